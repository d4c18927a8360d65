//! `io_getevents(2)`: <https://man7.org/linux/man-pages/man2/io_getevents.2.html>. Supported: being absent, as from a
//! Linux that was built without it (CONFIG_AIO): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(4 => io_getevents);

/// Would tell what became of asynchronous requests; there are none.
pub fn io_getevents() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(io_getevents(), Err(Errno::ENOSYS.into()));
    }
}
