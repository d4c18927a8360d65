//! `pkey_mprotect(2)`: <https://man7.org/linux/man-pages/man2/mprotect.2.html>. Supported: everything: Linux has no
//! protection keys on riscv64. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(288 => pkey_mprotect);

/// Would use protection keys.
pub fn pkey_mprotect() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(pkey_mprotect(), Err(Errno::ENOSYS.into()));
    }
}
