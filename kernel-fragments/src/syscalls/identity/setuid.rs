//! `setuid(2)`: <https://man7.org/linux/man-pages/man2/setuid.2.html>. Supported: staying root; not supported: becoming
//! anybody else. Errors: EINVAL.

use crate::abi::credentials::USER_ID;
use crate::errno::{Errno, Refusal, SysResult};

syscall!(146 => setuid);

/// Makes every user id of the process `id`.
pub fn setuid(id: u32) -> SysResult {
    match id {
        USER_ID => Ok(0),
        u32::MAX => Err(Errno::EINVAL.into()),
        _ => Err(Refusal::Unsupported("becoming another user")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root() {
        assert_eq!(setuid(0), Ok(0));
        assert_eq!(setuid(u32::MAX), Err(Errno::EINVAL.into()));
        assert!(matches!(setuid(1000), Err(Refusal::Unsupported(_))));
    }
}
