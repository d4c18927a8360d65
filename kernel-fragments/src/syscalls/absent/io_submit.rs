//! `io_submit(2)`: <https://man7.org/linux/man-pages/man2/io_submit.2.html>. Supported: being absent, as from a Linux
//! that was built without it (CONFIG_AIO): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(2 => io_submit);

/// Would take asynchronous requests; there is no context for them.
pub fn io_submit() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(io_submit(), Err(Errno::ENOSYS.into()));
    }
}
