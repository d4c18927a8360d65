//! `userfaultfd(2)`: <https://man7.org/linux/man-pages/man2/userfaultfd.2.html>. Supported: being absent, as from a Linux
//! that was built without it (CONFIG_USERFAULTFD): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(282 => userfaultfd);

/// Would have the program serve page faults.
pub fn userfaultfd() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(userfaultfd(), Err(Errno::ENOSYS.into()));
    }
}
