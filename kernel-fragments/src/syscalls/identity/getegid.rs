//! `getegid(2)`: <https://man7.org/linux/man-pages/man2/getegid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::thread::Thread;

syscall!(177 => getegid);

/// The effective group id.
pub fn getegid(thread: &mut Thread) -> SysResult {
    Ok(thread.credentials.groups().effective as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getegid(&mut Thread::first()), Ok(0));
    }
}
