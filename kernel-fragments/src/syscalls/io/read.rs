//! `read(2)`: <https://man7.org/linux/man-pages/man2/read.2.html>. Supported: every kind of file; not supported: waiting
//! for another thread. Errors: EBADF, EFAULT, EISDIR, EINVAL, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::read_buffer;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(63 => read);

/// Reads up to `len_bytes` bytes from the file's position to `address`; 0 at its end.
pub fn read(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    let read_bytes = read_buffer(memory, platform, open, offset, address, len_bytes)?;
    open.offset.set(offset + read_bytes as u64);
    Ok(read_bytes)
}
