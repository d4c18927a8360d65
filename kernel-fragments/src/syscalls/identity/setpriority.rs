//! `setpriority(2)`: <https://man7.org/linux/man-pages/man2/setpriority.2.html>. Supported: this process, its group and its user;
//! not supported: others. All threads have one niceness, on Linux each has its own. Errors: EINVAL, EACCES, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::errno::{Refusal, SysResult};
use crate::subsystems::niceness::{Niceness, PRIO_PROCESS, is_own};
use crate::subsystems::scheduling_rights::{check_niceness, refuse_parent};
use crate::subsystems::session::Session;
use crate::thread::Thread;

syscall!(140 => setpriority);

/// Sets the niceness of the processes that `which` and `who` (0: the caller's) name, at most 19 and at least -20.
pub fn setpriority(
    session: &mut Session,
    niceness: &mut Niceness,
    thread: &mut Thread,
    which: i32,
    who: u32,
    value: i32,
) -> SysResult {
    if !is_own(session, thread, which, who)? {
        if which == PRIO_PROCESS && who == PARENT_ID {
            return Err(refuse_parent());
        }
        return Err(Refusal::Unsupported("the priority of another thread or process"));
    }
    let value = value.clamp(-20, 19);
    check_niceness(niceness.value, value)?;
    niceness.value = value;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::identity::getpriority::getpriority;

    #[test]
    fn what_is_set_is_told() {
        let (mut session, mut niceness, mut thread) = (Session::new(), Niceness::new(), Thread::first());
        for (value, told) in [(5, 15), (100, 1), (-100, 40), (0, 20)] {
            assert_eq!(setpriority(&mut session, &mut niceness, &mut thread, 0, 0, value), Ok(0));
            assert_eq!(getpriority(&mut session, &mut niceness, &mut thread, 0, 0), Ok(told));
        }
        let mut call = |which, who| setpriority(&mut session, &mut niceness, &mut thread, which, who, 1);
        assert_eq!(call(3, 0), Err(Errno::EINVAL.into()));
        assert!(matches!(call(0, 77), Err(Refusal::Unsupported(_))));
    }
}
