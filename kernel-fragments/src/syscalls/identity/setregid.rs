//! `setregid(2)`: <https://man7.org/linux/man-pages/man2/setregid.2.html>. Supported: everything. Errors: EPERM, ENOMEM.

use crate::abi::capability::CAP_SETGID;
use crate::errno::SysResult;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::{Identities, set_two};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(143 => setregid);

/// Sets the real and the effective group id; -1 leaves one as it is.
pub fn setregid(
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    real: u32,
    effective: u32,
) -> SysResult {
    let old = thread.credentials.identity();
    let groups = set_two(old.groups, real, effective, thread.credentials.has(CAP_SETGID))?;
    identities.become_new(promises, thread, Identity { groups, ..old.clone() })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_saved_one_follows() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        assert_eq!(setregid(&mut identities, &mut promises, &mut thread, u32::MAX, 7), Ok(0));
        let groups = thread.credentials.groups();
        assert_eq!((groups.real, groups.effective, groups.saved, groups.files), (0, 7, 7, 7));
    }
}
