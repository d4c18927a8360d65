//! `lseek(2)`: <https://man7.org/linux/man-pages/man2/lseek.2.html>. Supported: everything; files have no holes. Errors:
//! EBADF, EINVAL, ESPIPE, ENXIO.

use crate::abi::stat::{S_IFCHR, S_IFDIR, S_IFMT};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;

syscall!(62 => lseek);

/// Places the next read or write and returns the position.
pub fn lseek(descriptors: &mut Descriptors, fd: Fd, offset: i64, whence: u32) -> SysResult {
    const SEEK_SET: u32 = 0;
    const SEEK_CUR: u32 = 1;
    const SEEK_END: u32 = 2;
    const SEEK_DATA: u32 = 3;
    const SEEK_HOLE: u32 = 4;

    let open = descriptors.get(fd)?;
    if whence > SEEK_HOLE {
        return Err(Errno::EINVAL.into());
    }
    let stat = open.file.stat();
    if stat.mode & S_IFMT == S_IFCHR || stat.mode & S_IFMT == 0 {
        return Ok(0); // memory devices and anonymous files have positions that mean nothing (null_lseek, noop_llseek)
    }
    if !open.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let (position, size_bytes) = (open.offset.get() as i64, stat.size_bytes as i64);
    let target = match whence {
        SEEK_SET => Some(offset),
        SEEK_CUR => position.checked_add(offset),
        SEEK_END if stat.mode & S_IFMT == S_IFDIR => None,
        SEEK_END => size_bytes.checked_add(offset),
        SEEK_DATA | SEEK_HOLE if stat.mode & S_IFMT == S_IFDIR => None,
        _ if offset < 0 || offset >= size_bytes => return Err(Errno::ENXIO.into()),
        SEEK_DATA => Some(offset),
        _ => Some(size_bytes),
    };
    let target = target.filter(|&target| target >= 0).ok_or(Errno::EINVAL)?;
    open.offset.set(target as u64);
    Ok(target as usize)
}
