//! `preadv(2)`: <https://man7.org/linux/man-pages/man2/preadv.2.html>. Supported: everything. Errors: EINVAL, EBADF, ESPIPE,
//! EFAULT, EISDIR.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, list_bytes, read_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(69 => preadv);

/// Reads from `offset` to the `count` buffers listed at `list`, wherever the file is positioned.
pub fn preadv(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
    offset: i64,
) -> SysResult {
    let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
    if !descriptors.get(fd)?.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let open = descriptors.readable(fd)?;
    check_span(offset, list_bytes(memory, list, count)?)?;
    read_list(memory, platform, open, offset, list, count)
}
