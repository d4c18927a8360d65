//! `getegid(2)`: <https://man7.org/linux/man-pages/man2/getegid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::subsystems::credentials::groups;

syscall!(177 => getegid);

/// The effective group id.
pub fn getegid() -> SysResult {
    Ok(groups().effective as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getegid(), Ok(0));
    }
}
