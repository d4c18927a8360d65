//! `sync(2)`: <https://man7.org/linux/man-pages/man2/sync.2.html>. Supported: everything; what lies in memory is as
//! durable as it gets. Errors: none.

use crate::errno::SysResult;

syscall!(81 => sync);

/// Nothing is left to do.
pub fn sync() -> SysResult {
    Ok(0)
}
