//! `pread64(2)`: <https://man7.org/linux/man-pages/man2/pread.2.html>. Supported: everything. Errors: EINVAL, EBADF, ESPIPE,
//! EFAULT, EISDIR.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, read_buffer};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(67 => pread64);

/// Reads up to `len_bytes` bytes from `offset` to `address`, wherever the file is positioned.
pub fn pread64(
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
    let open = descriptors.readable(fd)?;
    check_span(offset, len_bytes)?;
    read_buffer(memory, platform, open, offset, address, len_bytes)
}
