//! `geteuid(2)`: <https://man7.org/linux/man-pages/man2/geteuid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::thread::Thread;

syscall!(175 => geteuid);

/// The effective user id.
pub fn geteuid(thread: &mut Thread) -> SysResult {
    Ok(thread.credentials.users().effective as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(geteuid(&mut Thread::first()), Ok(0));
    }
}
