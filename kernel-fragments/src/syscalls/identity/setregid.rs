//! `setregid(2)`: <https://man7.org/linux/man-pages/man2/setreuid.2.html>. Supported: staying root; not supported: becoming
//! anybody else. Errors: none.

use crate::abi::credentials::{GROUP_ID, UNCHANGED_ID};
use crate::errno::{Refusal, SysResult};

syscall!(143 => setregid);

/// Sets the real and effective group id.
pub fn setregid(real: u32, effective: u32) -> SysResult {
    if [real, effective].into_iter().all(|id| matches!(id, GROUP_ID | UNCHANGED_ID)) {
        Ok(0)
    } else {
        Err(Refusal::Unsupported("becoming another group"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root() {
        assert_eq!(setregid(0, 0), Ok(0));
        assert_eq!(setregid(u32::MAX, 0), Ok(0));
        assert!(matches!(setregid(0, 1000), Err(Refusal::Unsupported(_))));
    }
}
