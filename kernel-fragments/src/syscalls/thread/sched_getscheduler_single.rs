//! `sched_getscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>, where there is only one
//! thread. Supported: everything. Errors: EINVAL, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::only_thread::only_thread;
use crate::thread::Thread;

syscall!(120 => sched_getscheduler, single_thread);

/// The policy of thread `tid` (0: the caller).
pub fn sched_getscheduler(thread: &mut Thread, tid: i32) -> SysResult {
    if tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(only_thread(thread, tid)?.scheduling.policy() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_sharing_at_first() {
        let mut thread = Thread::first();
        let own = thread.tid as i32;
        assert_eq!(sched_getscheduler(&mut thread, 0), Ok(0));
        assert_eq!(sched_getscheduler(&mut thread, own), Ok(0));
        assert_eq!(sched_getscheduler(&mut thread, -1), Err(Errno::EINVAL.into()));
        assert_eq!(sched_getscheduler(&mut thread, own + 1), Err(Errno::ESRCH.into()));
    }
}
