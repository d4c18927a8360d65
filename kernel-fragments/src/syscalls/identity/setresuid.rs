//! `setresuid(2)`: <https://man7.org/linux/man-pages/man2/setresuid.2.html>. Supported: everything. Errors: EPERM, ENOMEM.

use crate::abi::capability::CAP_SETUID;
use crate::errno::SysResult;
use crate::subsystems::identities::{Identities, set_three};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(147 => setresuid);

/// Sets the real, effective and saved user id; -1 leaves one as it is.
pub fn setresuid(
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    real: u32,
    effective: u32,
    saved: u32,
) -> SysResult {
    let old = thread.credentials.identity();
    let users = set_three(old.users, real, effective, saved, thread.credentials.has(CAP_SETUID))?;
    identities.become_new(promises, thread, old.with_users(users))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn what_is_saved_can_come_back() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call = |thread: &mut Thread, ids: [u32; 3]| {
            setresuid(&mut identities, &mut promises, thread, ids[0], ids[1], ids[2])
        };
        assert_eq!(
            (call(&mut thread, [5, 5, 0]), call(&mut thread, [u32::MAX, 0, 6])),
            (Ok(0), Err(Errno::EPERM.into()))
        );
        assert_eq!((call(&mut thread, [u32::MAX, 0, u32::MAX]), call(&mut thread, [5, 5, 5])), (Ok(0), Ok(0)));
        assert_eq!(call(&mut thread, [0, 0, 0]), Err(Errno::EPERM.into()));
    }
}
