//! `setresgid(2)`: <https://man7.org/linux/man-pages/man2/setresgid.2.html>. Supported: everything. Errors: EPERM, ENOMEM.

use crate::abi::capability::CAP_SETGID;
use crate::errno::SysResult;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::{Identities, set_three};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(149 => setresgid);

/// Sets the real, effective and saved group id; -1 leaves one as it is.
pub fn setresgid(
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    real: u32,
    effective: u32,
    saved: u32,
) -> SysResult {
    let old = thread.credentials.identity();
    let groups = set_three(old.groups, real, effective, saved, thread.credentials.has(CAP_SETGID))?;
    identities.become_new(promises, thread, Identity { groups, ..old.clone() })?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_for_itself() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        assert_eq!(setresgid(&mut identities, &mut promises, &mut thread, 5, u32::MAX, 6), Ok(0));
        let groups = thread.credentials.groups();
        assert_eq!((groups.real, groups.effective, groups.saved, groups.files), (5, 0, 6, 0));
    }
}
