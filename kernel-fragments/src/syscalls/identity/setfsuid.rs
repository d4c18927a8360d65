//! `setfsuid(2)`: <https://man7.org/linux/man-pages/man2/setfsuid.2.html>. Supported: everything. Errors: none.

use crate::abi::capability::CAP_SETUID;
use crate::errno::SysResult;
use crate::subsystems::identities::{Identities, set_for_files};
use crate::subsystems::promises::Promises;
use crate::thread::Thread;

syscall!(151 => setfsuid);

/// Sets the user that files are accessed as to `id`, if that may be, and returns what it was.
pub fn setfsuid(identities: &mut Identities, promises: &mut Promises, thread: &mut Thread, id: u32) -> SysResult {
    let old = thread.credentials.identity();
    let users = set_for_files(old.users, id, thread.credentials.has(CAP_SETUID));
    // What there is no memory for is not set, and nobody is told (kernel/sys.c).
    let _ = identities.become_new(promises, thread, old.with_file_user(users));
    Ok(old.users.files as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_who_it_was() {
        let (mut identities, mut promises, mut thread) = (Identities::new(), Promises::new(), Thread::first());
        let mut call = |thread: &mut Thread, id| setfsuid(&mut identities, &mut promises, thread, id);
        assert_eq!((call(&mut thread, 5), call(&mut thread, u32::MAX), call(&mut thread, 5)), (Ok(0), Ok(5), Ok(5)));
        assert_eq!(thread.credentials.users().effective, 0);
    }
}
