//! `getgroups(2)`: <https://man7.org/linux/man-pages/man2/getgroups.2.html>. Supported: everything; the process has no
//! supplementary group. Errors: EINVAL.

use crate::errno::{Errno, SysResult};
use crate::user_memory::UserAddress;

syscall!(158 => getgroups);

/// How many supplementary groups the process has; of which nothing need be stored.
pub fn getgroups(count: i32, _address: UserAddress) -> SysResult {
    if count < 0 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none() {
        assert_eq!(getgroups(0, UserAddress::NULL), Ok(0));
        assert_eq!(getgroups(8, UserAddress(8)), Ok(0), "nothing is stored");
        assert_eq!(getgroups(-1, UserAddress::NULL), Err(Errno::EINVAL.into()));
    }
}
