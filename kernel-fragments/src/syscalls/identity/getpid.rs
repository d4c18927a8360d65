//! `getpid(2)`: <https://man7.org/linux/man-pages/man2/getpid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::thread::PROCESS_ID;

syscall!(172 => getpid);

/// The id of the one process.
pub fn getpid() -> SysResult {
    Ok(PROCESS_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_first_threads_id() {
        assert_eq!(getpid(), Ok(PROCESS_ID as usize));
    }
}
