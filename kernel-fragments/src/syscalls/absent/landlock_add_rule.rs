//! `landlock_add_rule(2)`: <https://man7.org/linux/man-pages/man2/landlock_add_rule.2.html>. Supported: being absent, as
//! from a Linux that was built without Landlock (CONFIG_SECURITY_LANDLOCK): who asks for it has something else to do then.
//! Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(445 => landlock_add_rule);

/// Would restrict the process.
pub fn landlock_add_rule() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(landlock_add_rule(), Err(Errno::ENOSYS.into()));
    }
}
