//! `pkey_free(2)`: <https://man7.org/linux/man-pages/man2/pkey_alloc.2.html>. Supported: everything: Linux has no
//! protection keys on riscv64. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(290 => pkey_free);

/// Would use protection keys.
pub fn pkey_free() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(pkey_free(), Err(Errno::ENOSYS.into()));
    }
}
