//! `setgid(2)`: <https://man7.org/linux/man-pages/man2/setgid.2.html>. Supported: staying root; not supported: becoming
//! anybody else. Errors: EINVAL.

use crate::abi::credentials::GROUP_ID;
use crate::errno::{Errno, Refusal, SysResult};

syscall!(144 => setgid);

/// Makes every group id of the process `id`.
pub fn setgid(id: u32) -> SysResult {
    match id {
        GROUP_ID => Ok(0),
        u32::MAX => Err(Errno::EINVAL.into()),
        _ => Err(Refusal::Unsupported("becoming another group")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root() {
        assert_eq!(setgid(0), Ok(0));
        assert_eq!(setgid(u32::MAX), Err(Errno::EINVAL.into()));
        assert!(matches!(setgid(1000), Err(Refusal::Unsupported(_))));
    }
}
