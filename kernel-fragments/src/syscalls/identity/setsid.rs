//! `setsid(2)`: <https://man7.org/linux/man-pages/man2/setsid.2.html>. Supported: everything. Errors: EPERM.

use crate::errno::{Errno, SysResult};
use crate::subsystems::session::Session;
use crate::thread::PROCESS_ID;

syscall!(157 => setsid);

/// Makes the process the leader of a new session and a new process group, unless it leads a group already.
pub fn setsid(session: &mut Session) -> SysResult {
    if session.group == PROCESS_ID {
        return Err(Errno::EPERM.into());
    }
    *session = Session { session: PROCESS_ID, group: PROCESS_ID };
    Ok(PROCESS_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once() {
        let mut session = Session::new();
        assert_eq!(setsid(&mut session), Err(Errno::EPERM.into()), "a job leads its group");
        session.group = session.session;
        assert_eq!(setsid(&mut session), Ok(PROCESS_ID as usize));
        assert_eq!((session.session, session.group), (PROCESS_ID, PROCESS_ID));
        assert_eq!(setsid(&mut session), Err(Errno::EPERM.into()));
    }
}
