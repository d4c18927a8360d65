//! `getpgid(2)`: <https://man7.org/linux/man-pages/man2/getpgid.2.html>. Supported: this process; not supported: others.
//! Errors: ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::session::{Session, check_own};
use crate::thread::Thread;

syscall!(155 => getpgid);

/// The process group of process `pid` (0: the caller's).
pub fn getpgid(session: &mut Session, thread: &mut Thread, pid: i32) -> SysResult {
    let pid = u32::try_from(pid).map_err(|_| Errno::ESRCH)?;
    check_own(thread, pid)?;
    Ok(session.group as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Refusal;
    use crate::thread::PROCESS_ID;

    #[test]
    fn its_own() {
        let (mut session, mut thread) = (Session::new(), Thread::first());
        assert_eq!(getpgid(&mut session, &mut thread, 0), Ok(PROCESS_ID as usize));
        assert_eq!(getpgid(&mut session, &mut thread, PROCESS_ID as i32), Ok(PROCESS_ID as usize));
        assert_eq!(getpgid(&mut session, &mut thread, -1), Err(Errno::ESRCH.into()));
        assert!(matches!(getpgid(&mut session, &mut thread, 9), Err(Refusal::Unsupported(_))));
    }
}
