//! `getpriority(2)`: <https://man7.org/linux/man-pages/man2/getpriority.2.html>, the system call, which returns 20 less the
//! niceness. Supported: this process, its group and its user; not supported: others. Errors: EINVAL.

use crate::errno::{Refusal, SysResult};
use crate::subsystems::niceness::{Niceness, is_own};
use crate::subsystems::session::Session;
use crate::thread::Thread;

syscall!(141 => getpriority);

/// The highest priority of the processes that `which` and `who` (0: the caller's) name.
pub fn getpriority(
    session: &mut Session,
    niceness: &mut Niceness,
    thread: &mut Thread,
    which: i32,
    who: u32,
) -> SysResult {
    if is_own(session, thread, which, who)? {
        Ok((20 - niceness.value) as usize)
    } else {
        Err(Refusal::Unsupported("the priority of another thread or process"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::niceness::{PRIO_PGRP, PRIO_PROCESS, PRIO_USER};
    use crate::thread::PROCESS_ID;

    #[test]
    fn not_nice() {
        let (mut session, mut niceness, mut thread) = (Session::new(), Niceness::new(), Thread::first());
        let mut call = |which, who| getpriority(&mut session, &mut niceness, &mut thread, which, who);
        for (which, who) in [(PRIO_PROCESS, 0), (PRIO_PROCESS, PROCESS_ID), (PRIO_PGRP, PROCESS_ID), (PRIO_USER, 0)] {
            assert_eq!(call(which, who), Ok(20));
        }
        assert_eq!(call(3, 0), Err(Errno::EINVAL.into()));
        assert!(matches!(call(PRIO_PROCESS, 9), Err(Refusal::Unsupported(_))));
    }
}
