//! Flags of one read or write: `preadv2(2)` and `pwritev2(2)` (include/linux/fs.h, kiocb_set_rw_flags).

use crate::errno::{Errno, Refusal};
use crate::subsystems::open_file::OpenFile;

/// RWF_HIPRI, RWF_DSYNC, RWF_SYNC: high priority and synchronous transfers; nothing is ever on its way here.
const HARMLESS_FLAGS: u32 = 0x7;
const RWF_NOWAIT: u32 = 0x8;
/// The write goes to the end.
pub const RWF_APPEND: u32 = 0x10;
/// The write does not go to the end, though the file was opened for appending.
pub const RWF_NOAPPEND: u32 = 0x20;
const RWF_ATOMIC: u32 = 0x40;

/// Whether `open` can be read or written as `flags` say.
///
/// # Errors
/// EOPNOTSUPP for what there is not, or not for files of a tmpfs; EINVAL. Unsupported: other files.
pub fn check_flags(open: &OpenFile, flags: u32) -> Result<(), Refusal> {
    if flags & !(HARMLESS_FLAGS | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND | RWF_ATOMIC) != 0 {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if flags & RWF_APPEND != 0 && flags & RWF_NOAPPEND != 0 {
        return Err(Errno::EINVAL.into());
    }
    match flags & (RWF_NOWAIT | RWF_ATOMIC) {
        0 => Ok(()),
        _ if open.regular().is_some() => Err(Errno::EOPNOTSUPP.into()),
        _ => Err(Refusal::Unsupported("preadv2 or pwritev2 with RWF_NOWAIT or RWF_ATOMIC")),
    }
}
