//! `munlockall(2)`: <https://man7.org/linux/man-pages/man2/munlockall.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;

syscall!(231 => munlockall);

/// Lets pages leave memory, which they never do.
pub fn munlockall() -> SysResult {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn succeeds() {
        assert_eq!(munlockall(), Ok(0));
    }
}
