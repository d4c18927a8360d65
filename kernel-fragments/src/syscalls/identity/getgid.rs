//! `getgid(2)`: <https://man7.org/linux/man-pages/man2/getgid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::subsystems::credentials::groups;

syscall!(176 => getgid);

/// The real group id.
pub fn getgid() -> SysResult {
    Ok(groups().real as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getgid(), Ok(0));
    }
}
