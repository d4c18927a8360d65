//! `setpgid(2)`: <https://man7.org/linux/man-pages/man2/setpgid.2.html>. Supported: this process; not supported: others.
//! Errors: EINVAL, EPERM, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::session::{Session, check_own};
use crate::thread::{PROCESS_ID, Thread};

syscall!(154 => setpgid);

/// Moves process `pid` (0: the caller's) to process group `group` (0: one of its own).
pub fn setpgid(session: &mut Session, thread: &mut Thread, pid: i32, group: i32) -> SysResult {
    let group = u32::try_from(group).map_err(|_| Errno::EINVAL)?;
    let pid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    check_own(thread, pid)?;
    if pid != 0 && pid != PROCESS_ID {
        return Err(Errno::EINVAL.into()); // a thread that is not the first
    }
    let group = if group == 0 { PROCESS_ID } else { group };
    // There are two groups to be in: its own, and its parent's; a session's leader stays where it leads.
    let exists_in_session = group == PROCESS_ID || group == session.session;
    if session.session == PROCESS_ID || !exists_in_session {
        return Err(Errno::EPERM.into());
    }
    session.group = group;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_own_or_its_parents() {
        let (mut session, mut thread) = (Session::new(), Thread::first());
        let own = PROCESS_ID as i32;
        assert_eq!(setpgid(&mut session, &mut thread, 0, 0), Ok(0));
        assert_eq!(session.group, PROCESS_ID);
        assert_eq!(setpgid(&mut session, &mut thread, own, 1), Ok(0));
        assert_eq!(session.group, 1);
        for (pid, group, errno) in [(0, -1, Errno::EINVAL), (-1, 0, Errno::ESRCH), (own, 9, Errno::EPERM)] {
            assert_eq!(setpgid(&mut session, &mut thread, pid, group), Err(errno.into()));
        }
        session = Session { session: PROCESS_ID, group: PROCESS_ID };
        assert_eq!(setpgid(&mut session, &mut thread, 0, 0), Err(Errno::EPERM.into()), "it leads a session");
    }
}
