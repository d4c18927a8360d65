//! `writev(2)`: <https://man7.org/linux/man-pages/man2/writev.2.html>. Supported: every kind of file; not supported:
//! waiting for another thread. Errors: EBADF, EINVAL, EFAULT, ENOSPC, EPIPE, EAGAIN.

use crate::errno::SysResult;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::write_list;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(66 => writev);

/// Writes the `count` buffers listed at `list` to the file's position, or its end if it was opened for appending.
pub fn writev(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> SysResult {
    let open = descriptors.writable(fd)?;
    let offset = open.write_offset(open.offset.get());
    let written_bytes = write_list(memory, platform, open, offset, list, count)?;
    open.offset.set(offset + written_bytes as u64);
    Ok(written_bytes)
}
