//! `setreuid(2)`: <https://man7.org/linux/man-pages/man2/setreuid.2.html>. Supported: everything. Errors: EPERM, ENOMEM.

use crate::abi::capability::CAP_SETUID;
use crate::errno::SysResult;
use crate::subsystems::identities::{Identities, set_two};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(145 => setreuid);

/// Sets the real and the effective user id; -1 leaves one as it is.
pub fn setreuid(
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    real: u32,
    effective: u32,
) -> SysResult {
    let old = thread.credentials.identity();
    let users = set_two(old.users, real, effective, thread.credentials.has(CAP_SETUID))?;
    identities.become_new(promises, thread, old.with_users(users))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn to_and_fro() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call =
            |thread: &mut Thread, real, effective| setreuid(&mut identities, &mut promises, thread, real, effective);
        assert_eq!(call(&mut thread, u32::MAX, 7), Ok(0));
        assert_eq!((thread.credentials.users().saved, thread.credentials.has(CAP_SETUID)), (7, false));
        assert_eq!(call(&mut thread, 7, 0), Ok(0));
        assert!(thread.credentials.has(CAP_SETUID));
        assert_eq!((call(&mut thread, 7, 7), call(&mut thread, 7, 0)), (Ok(0), Err(Errno::EPERM.into())));
    }
}
