//! What cannot be done with pages that are more than plain memory of the program: those of files, and those that are shared. Out of
//! line, because most programs have none.

use crate::errno::{Errno, Refusal};
use crate::subsystems::address_space::FROM_FILE;

/// Whether pages of `protection` may become writable.
///
/// # Errors
/// EACCES if they show a file that was not opened for writing.
#[cold]
#[inline(never)]
pub fn refuse_writing(protection: u8) -> Result<(), Errno> {
    if protection & FROM_FILE != 0 { Err(Errno::EACCES) } else { Ok(()) }
}

/// Whether pages of `protection`, which are not plain memory, are the same after they were discarded.
///
/// # Errors
/// Unsupported: pages of a file.
#[cold]
#[inline(never)]
pub fn check_keeps(protection: u8) -> Result<(), Refusal> {
    if protection & FROM_FILE == 0 {
        return Ok(());
    }
    Err(Refusal::Unsupported("discarding pages of a mapped file, to be read again"))
}
