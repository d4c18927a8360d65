//! `setresuid(2)`: <https://man7.org/linux/man-pages/man2/setresuid.2.html>. Supported: staying root; not supported: becoming
//! anybody else. Errors: none.

use crate::abi::credentials::{UNCHANGED_ID, USER_ID};
use crate::errno::{Refusal, SysResult};

syscall!(147 => setresuid);

/// Sets the real, effective and saved user id.
pub fn setresuid(real: u32, effective: u32, saved: u32) -> SysResult {
    if [real, effective, saved].into_iter().all(|id| matches!(id, USER_ID | UNCHANGED_ID)) {
        Ok(0)
    } else {
        Err(Refusal::Unsupported("becoming another user"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root() {
        assert_eq!(setresuid(0, 0, 0), Ok(0));
        assert_eq!(setresuid(u32::MAX, 0, 0), Ok(0));
        assert!(matches!(setresuid(0, 0, 1000), Err(Refusal::Unsupported(_))));
    }
}
