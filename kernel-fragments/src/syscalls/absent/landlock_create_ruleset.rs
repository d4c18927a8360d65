//! `landlock_create_ruleset(2)`: <https://man7.org/linux/man-pages/man2/landlock_create_ruleset.2.html>. Supported: being
//! absent, as from a Linux that was built without Landlock (CONFIG_SECURITY_LANDLOCK): who asks for it has something else
//! to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(444 => landlock_create_ruleset);

/// Would restrict the process.
pub fn landlock_create_ruleset() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(landlock_create_ruleset(), Err(Errno::ENOSYS.into()));
    }
}
