//! `setuid(2)`: <https://man7.org/linux/man-pages/man2/setuid.2.html>. Supported: everything. Errors: EINVAL, EPERM, ENOMEM.

use crate::abi::capability::CAP_SETUID;
use crate::errno::SysResult;
use crate::subsystems::identities::{Identities, set_one};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(146 => setuid);

/// Makes the effective user id and that for files `id`, and for who may become anybody every user id.
pub fn setuid(identities: &mut Identities, promises: &mut Promises, thread: &mut Thread, id: u32) -> SysResult {
    let old = thread.credentials.identity();
    let users = set_one(old.users, id, thread.credentials.has(CAP_SETUID))?;
    identities.become_new(promises, thread, old.with_users(users))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;

    #[test]
    fn for_good() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call = |thread: &mut Thread, id| setuid(&mut identities, &mut promises, thread, id);
        assert_eq!(call(&mut thread, u32::MAX), Err(Errno::EINVAL.into()));
        assert_eq!((call(&mut thread, 0), call(&mut thread, 1000)), (Ok(0), Ok(0)));
        assert_eq!((call(&mut thread, 0), call(&mut thread, 1000)), (Err(Errno::EPERM.into()), Ok(0)));
        assert_eq!(thread.credentials.capabilities().permitted, 0);
    }
}
