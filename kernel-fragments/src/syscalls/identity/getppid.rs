//! `getppid(2)`: <https://man7.org/linux/man-pages/man2/getppid.2.html>. Supported: everything. Errors: none.

use crate::abi::credentials::PARENT_ID;
use crate::errno::SysResult;

syscall!(173 => getppid);

/// The id of the parent process.
pub fn getppid() -> SysResult {
    Ok(PARENT_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells() {
        assert_eq!(getppid(), Ok(1));
    }
}
