//! `getegid(2)`: <https://man7.org/linux/man-pages/man2/getegid.2.html>. Supported: everything. Errors: none.

use crate::abi::credentials::GROUP_ID;
use crate::errno::SysResult;

syscall!(177 => getegid);

/// The effective group id.
pub fn getegid() -> SysResult {
    Ok(GROUP_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getegid(), Ok(0));
    }
}
