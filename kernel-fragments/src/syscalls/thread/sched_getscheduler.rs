//! `sched_getscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>. Supported: everything.
//! Errors: EINVAL, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;

syscall!(120 => sched_getscheduler);

/// The policy of thread `tid` (0: the caller).
pub fn sched_getscheduler(threads: &mut Threads, thread: &mut Thread, tid: i32) -> SysResult {
    if tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(thread_by_id(threads, thread, tid)?.scheduling.policy() as usize)
}
