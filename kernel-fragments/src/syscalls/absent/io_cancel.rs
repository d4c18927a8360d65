//! `io_cancel(2)`: <https://man7.org/linux/man-pages/man2/io_cancel.2.html>. Supported: being absent, as from a Linux
//! that was built without it (CONFIG_AIO): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(3 => io_cancel);

/// Would cancel an asynchronous request; there is none.
pub fn io_cancel() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(io_cancel(), Err(Errno::ENOSYS.into()));
    }
}
