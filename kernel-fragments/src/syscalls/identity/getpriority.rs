//! `getpriority(2)`: <https://man7.org/linux/man-pages/man2/getpriority.2.html>, the system call, which returns 20 less the
//! niceness. Supported: this process, its group and its user; not supported: others. Errors: EINVAL.

use crate::abi::credentials::USER_ID;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::session::Session;
use crate::thread::{PROCESS_ID, Thread};

syscall!(141 => getpriority);

const PRIO_PROCESS: i32 = 0;
const PRIO_PGRP: i32 = 1;
const PRIO_USER: i32 = 2;

/// The highest priority of the processes that `which` and `who` (0: the caller's) name: they all have niceness 0.
pub fn getpriority(session: &mut Session, thread: &mut Thread, which: i32, who: u32) -> SysResult {
    let is_own = match which {
        PRIO_PROCESS => who == 0 || who == PROCESS_ID || who == thread.tid,
        PRIO_PGRP => who == 0 || who == session.group,
        PRIO_USER => who == USER_ID,
        _ => return Err(Errno::EINVAL.into()),
    };
    if is_own { Ok(20) } else { Err(Refusal::Unsupported("the priority of another thread or process")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_nice() {
        let (mut session, mut thread) = (Session::new(), Thread::first());
        let mut call = |which, who| getpriority(&mut session, &mut thread, which, who);
        for (which, who) in [(PRIO_PROCESS, 0), (PRIO_PROCESS, PROCESS_ID), (PRIO_PGRP, PROCESS_ID), (PRIO_USER, 0)] {
            assert_eq!(call(which, who), Ok(20));
        }
        assert_eq!(call(3, 0), Err(Errno::EINVAL.into()));
        assert!(matches!(call(PRIO_PROCESS, 9), Err(Refusal::Unsupported(_))));
    }
}
