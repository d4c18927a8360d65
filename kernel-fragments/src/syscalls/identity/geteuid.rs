//! `geteuid(2)`: <https://man7.org/linux/man-pages/man2/geteuid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::subsystems::credentials::users;

syscall!(175 => geteuid);

/// The effective user id.
pub fn geteuid() -> SysResult {
    Ok(users().effective as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(geteuid(), Ok(0));
    }
}
