//! `readv(2)`: <https://man7.org/linux/man-pages/man2/readv.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EINVAL, EFAULT, EISDIR, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::read_list;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(65 => readv);

/// Reads from the file's position to the `count` buffers listed at `list`.
pub fn readv(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    let read_bytes = read_list(memory, platform, open, offset, list, count)?;
    open.offset.set(offset + read_bytes as u64);
    Ok(read_bytes)
}
