//! `setgroups(2)`: <https://man7.org/linux/man-pages/man2/setgroups.2.html>. Supported: having none, as before; not
//! supported: having some. Errors: EINVAL.

use crate::errno::{Errno, Refusal, SysResult};
use crate::user_memory::UserAddress;

syscall!(159 => setgroups);

/// Most groups there may be (NGROUPS_MAX).
const MOST_GROUPS: u32 = 65536;

/// Sets the supplementary groups of the process to the `count` ones at `address`.
pub fn setgroups(count: u32, _address: UserAddress) -> SysResult {
    match count {
        0 => Ok(0),
        1..=MOST_GROUPS => Err(Refusal::Unsupported("supplementary groups")),
        _ => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none() {
        assert_eq!(setgroups(0, UserAddress::NULL), Ok(0));
        assert_eq!(setgroups(MOST_GROUPS + 1, UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert!(matches!(setgroups(1, UserAddress::NULL), Err(Refusal::Unsupported(_))));
    }
}
