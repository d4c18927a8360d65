//! `pwritev(2)`: <https://man7.org/linux/man-pages/man2/pwritev.2.html>. Supported: everything. Errors: EINVAL, EBADF,
//! ESPIPE, EFAULT, ENOSPC.

use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, list_bytes, write_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(70 => pwritev);

/// Writes the `count` buffers listed at `list` to `offset`, wherever the file is positioned.
pub fn pwritev(
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
    let open = descriptors.writable(fd)?;
    check_span(offset, list_bytes(memory, list, count)?)?;
    write_list(memory, platform, open, open.write_offset(offset), list, count)
}
