//! The one thread, as calls name it: by its id, or 0 for the caller.

use crate::errno::Errno;
use crate::thread::Thread;

/// Thread `tid` (0: the caller), where the caller is the only one.
///
/// # Errors
/// ESRCH if it is another.
pub fn only_thread(caller: &mut Thread, tid: i32) -> Result<&mut Thread, Errno> {
    if tid == 0 || tid as u32 == caller.tid { Ok(caller) } else { Err(Errno::ESRCH) }
}
