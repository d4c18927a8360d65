//! `setfsgid(2)`: <https://man7.org/linux/man-pages/man2/setfsgid.2.html>. Supported: everything. Errors: none.

use crate::abi::capability::CAP_SETGID;
use crate::errno::SysResult;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::{Identities, set_for_files};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(152 => setfsgid);

/// Sets the group that files are accessed as to `id`, if that may be, and returns what it was.
pub fn setfsgid(identities: &mut Identities, promises: &mut Promises, thread: &mut Thread, id: u32) -> SysResult {
    let old = thread.credentials.identity();
    let groups = set_for_files(old.groups, id, thread.credentials.has(CAP_SETGID));
    // What there is no memory for is not set, and nobody is told (kernel/sys.c).
    let _ = identities.become_new(promises, thread, Identity { groups, ..old.clone() });
    Ok(old.groups.files as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_it_was() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call = |thread: &mut Thread, id| setfsgid(&mut identities, &mut promises, thread, id);
        assert_eq!((call(&mut thread, 5), call(&mut thread, u32::MAX), call(&mut thread, 0)), (Ok(0), Ok(5), Ok(5)));
    }
}
