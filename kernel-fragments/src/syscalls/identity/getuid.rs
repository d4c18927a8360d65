//! `getuid(2)`: <https://man7.org/linux/man-pages/man2/getuid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::subsystems::credentials::users;

syscall!(174 => getuid);

/// The real user id.
pub fn getuid() -> SysResult {
    Ok(users().real as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getuid(), Ok(0));
    }
}
