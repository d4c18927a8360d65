//! `io_uring_register(2)`: <https://man7.org/linux/man-pages/man2/io_uring_register.2.html>. Supported: being absent, as
//! from a Linux that was built without it (CONFIG_IO_URING): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(427 => io_uring_register);

/// Would work on a ring of requests; there is none.
pub fn io_uring_register() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(io_uring_register(), Err(Errno::ENOSYS.into()));
    }
}
