//! `pwrite64(2)`: <https://man7.org/linux/man-pages/man2/pwrite.2.html>. Supported: everything. Errors: EINVAL, EBADF,
//! ESPIPE, EFAULT, ENOSPC.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, write_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(68 => pwrite64);

/// Writes `len_bytes` bytes at `address` to `offset`, wherever the file is positioned; to its end, if it was opened for
/// appending.
pub fn pwrite64(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
    offset: i64,
) -> SysResult {
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    if !descriptors.get(fd)?.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let open = descriptors.writable(fd)?;
    check_span(offset, len_bytes)?;
    write_buffer(memory, platform, open, open.write_offset(offset), address, len_bytes)
}
