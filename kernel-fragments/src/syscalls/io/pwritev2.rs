//! `pwritev2(2)`: <https://man7.org/linux/man-pages/man2/pwritev2.2.html>. Supported: no flags, RWF_HIPRI, RWF_DSYNC,
//! RWF_SYNC; an offset of -1, the file's position. Not supported: RWF_NOWAIT, RWF_APPEND, RWF_NOAPPEND, RWF_ATOMIC.
//! Errors: EINVAL, EBADF, ESPIPE, EFAULT, EOPNOTSUPP, ENOSPC.

use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::transfer::{check_span, list_bytes, write_list};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(287 => pwritev2);

/// High priority and synchronous transfers: nothing is ever on its way here.
const HARMLESS_FLAGS: u32 = 0x7;
/// All that exist.
const KNOWN_FLAGS: u32 = 0x7f;

/// Writes the `count` buffers listed at `list` to `offset`, wherever the file is positioned.
/// An offset of -1 is the file's position, which then moves on.
pub fn pwritev2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    fd: Fd,
    list: UserAddress,
    count: u32,
    offset: i64,
    _offset_high: u64,
    flags: u32,
) -> SysResult {
    let positioned = offset != -1;
    if positioned && offset < 0 {
        return Err(Errno::EINVAL.into());
    }
    if positioned && !descriptors.get(fd)?.file.is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    let open = descriptors.writable(fd)?;
    let total_bytes = list_bytes(memory, list, count)?;
    match flags {
        _ if flags & !KNOWN_FLAGS != 0 => return Err(Errno::EOPNOTSUPP.into()),
        _ if flags & !HARMLESS_FLAGS != 0 => {
            return Err(Refusal::Unsupported("pwritev2 with RWF_NOWAIT or RWF_APPEND"));
        }
        _ => {}
    }
    let offset = if positioned { offset as u64 } else { open.offset.get() };
    check_span(offset, total_bytes)?;
    let offset = open.write_offset(offset);
    let done = write_list(memory, platform, open, offset, list, count)?;
    if !positioned {
        open.offset.set(offset + done as u64);
    }
    Ok(done)
}
