//! `setreuid(2)`: <https://man7.org/linux/man-pages/man2/setreuid.2.html>. Supported: staying root; not supported: becoming
//! anybody else. Errors: none.

use crate::abi::credentials::{UNCHANGED_ID, USER_ID};
use crate::errno::{Refusal, SysResult};

syscall!(145 => setreuid);

/// Sets the real and effective user id.
pub fn setreuid(real: u32, effective: u32) -> SysResult {
    if [real, effective].into_iter().all(|id| matches!(id, USER_ID | UNCHANGED_ID)) {
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
        assert_eq!(setreuid(0, 0), Ok(0));
        assert_eq!(setreuid(u32::MAX, 0), Ok(0));
        assert!(matches!(setreuid(0, 1000), Err(Refusal::Unsupported(_))));
    }
}
