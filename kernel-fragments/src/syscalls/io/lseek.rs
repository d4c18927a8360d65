//! `lseek(2)`: <https://man7.org/linux/man-pages/man2/lseek.2.html>. Supported: everything; SEEK_DATA and
//! SEEK_HOLE take what nobody wrote for data, as a file system may. Errors: EBADF, EINVAL, ESPIPE, ENXIO.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY};
    use crate::subsystems::tree_file::open_with;

    /// The answers are those of Linux.
    #[test]
    fn positions() {
        let mut descriptors = Descriptors::new();
        let file = open_with(&mut descriptors, b"hello", O_RDONLY);
        let path_only = open_with(&mut descriptors, b"hello", O_PATH);
        let mut call = |fd, offset, whence| lseek(&mut descriptors, fd, offset, whence);
        assert_eq!(
            (call(file, 2, 0), call(file, 3, 1), call(file, -1, 2), call(file, 90, 2)),
            (Ok(2), Ok(5), Ok(4), Ok(95))
        );
        assert_eq!((call(file, 0, 3), call(file, 0, 4), call(file, 1, 1)), (Ok(0), Ok(5), Ok(6)));
        for (offset, whence, errno) in [
            (-1, 0, Errno::EINVAL),
            (-6, 2, Errno::EINVAL),
            (i64::MAX, 1, Errno::EINVAL),
            (0, 5, Errno::EINVAL),
            (5, 3, Errno::ENXIO),
            (-1, 4, Errno::ENXIO),
        ] {
            assert_eq!(call(file, offset, whence), Err(errno.into()), "{offset} {whence}");
        }
        assert_eq!(call(Fd(1), 0, 0), Err(Errno::ESPIPE.into()));
        assert_eq!(call(Fd(1), 0, 7), Err(Errno::EINVAL.into()));
        assert_eq!((call(Fd(9), 0, 7), call(path_only, 0, 0)), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
    }
}
