//! Threads as calls name them: by their id, or 0 for the caller.

use crate::errno::Errno;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;

/// Thread `tid` (0: the caller).
///
/// # Errors
/// ESRCH if there is none.
pub fn thread_by_id<'a>(threads: &'a mut Threads, caller: &'a mut Thread, tid: i32) -> Result<&'a mut Thread, Errno> {
    if tid == 0 || tid as u32 == caller.tid { Ok(caller) } else { threads.find(tid as u32).ok_or(Errno::ESRCH) }
}
