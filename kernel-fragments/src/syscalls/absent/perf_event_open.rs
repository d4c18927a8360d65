//! `perf_event_open(2)`: <https://man7.org/linux/man-pages/man2/perf_event_open.2.html>. Supported: being absent, as from a
//! Linux that was built without it (CONFIG_PERF_EVENTS): who asks for it has something else to do then. Errors: ENOSYS.

use crate::errno::{Errno, SysResult};

syscall!(241 => perf_event_open);

/// Would count events.
pub fn perf_event_open() -> SysResult {
    Err(Errno::ENOSYS.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there() {
        assert_eq!(perf_event_open(), Err(Errno::ENOSYS.into()));
    }
}
