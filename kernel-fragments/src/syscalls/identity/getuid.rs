//! `getuid(2)`: <https://man7.org/linux/man-pages/man2/getuid.2.html>. Supported: everything. Errors: none.

use crate::abi::credentials::USER_ID;
use crate::errno::SysResult;

syscall!(174 => getuid);

/// The real user id.
pub fn getuid() -> SysResult {
    Ok(USER_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getuid(), Ok(0));
    }
}
