//! `setgid(2)`: <https://man7.org/linux/man-pages/man2/setgid.2.html>. Supported: everything. Errors: EINVAL, EPERM, ENOMEM.

use crate::abi::capability::CAP_SETGID;
use crate::errno::SysResult;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::{Identities, set_one};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(144 => setgid);

/// Makes the effective group id and that for files `id`, and for who may become any group every group id.
pub fn setgid(identities: &mut Identities, promises: &mut Promises, thread: &mut Thread, id: u32) -> SysResult {
    let old = thread.credentials.identity();
    let groups = set_one(old.groups, id, thread.credentials.has(CAP_SETGID))?;
    identities.become_new(promises, thread, Identity { groups, ..old.clone() })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn keeps_capabilities() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call = |thread: &mut Thread, id| setgid(&mut identities, &mut promises, thread, id);
        assert_eq!(call(&mut thread, u32::MAX), Err(Errno::EINVAL.into()));
        assert_eq!((call(&mut thread, 7), call(&mut thread, 0), call(&mut thread, 8)), (Ok(0), Ok(0), Ok(0)));
        assert_eq!((thread.credentials.groups().saved, thread.credentials.users().real), (8, 0));
    }
}
