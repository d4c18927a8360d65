//! `sched_getscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>. Supported: the calling
//! thread; not supported: others. Errors: EINVAL.

use crate::abi::sched::SCHED_NORMAL;
use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;

syscall!(120 => sched_getscheduler);

/// The policy of thread `tid` (0: the caller).
pub fn sched_getscheduler(thread: &mut Thread, tid: i32) -> SysResult {
    match tid as u32 {
        _ if tid < 0 => Err(Errno::EINVAL.into()),
        0 => Ok(SCHED_NORMAL as usize),
        tid if tid == thread.tid => Ok(SCHED_NORMAL as usize),
        _ => Err(Refusal::Unsupported("the scheduling policy of another thread")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_sharing() {
        let mut thread = Thread::first();
        let own = thread.tid as i32;
        assert_eq!(sched_getscheduler(&mut thread, 0), Ok(0));
        assert_eq!(sched_getscheduler(&mut thread, own), Ok(0));
        assert_eq!(sched_getscheduler(&mut thread, -1), Err(Errno::EINVAL.into()));
        assert!(matches!(sched_getscheduler(&mut thread, own + 1), Err(Refusal::Unsupported(_))));
    }
}
