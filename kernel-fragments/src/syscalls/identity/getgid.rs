//! `getgid(2)`: <https://man7.org/linux/man-pages/man2/getgid.2.html>. Supported: everything. Errors: none.

use crate::abi::credentials::GROUP_ID;
use crate::errno::SysResult;

syscall!(176 => getgid);

/// The real group id.
pub fn getgid() -> SysResult {
    Ok(GROUP_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getgid(), Ok(0));
    }
}
