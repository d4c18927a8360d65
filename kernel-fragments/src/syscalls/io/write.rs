//! `write(2)`: <https://man7.org/linux/man-pages/man2/write.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EFAULT, EINVAL, ENOSPC, EPIPE, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::write_buffer;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(64 => write);

/// Writes `len_bytes` bytes at `address` to the file's position, or its end if it was opened for appending.
pub fn write(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let open = descriptors.writable(fd)?;
    let offset = open.write_offset(open.offset.get());
    let written_bytes = write_buffer(memory, platform, open, offset, address, len_bytes)?;
    open.offset.set(offset + written_bytes as u64);
    Ok(written_bytes)
}
