//! `gettid(2)`: <https://man7.org/linux/man-pages/man2/gettid.2.html>, where there is only one thread. Supported:
//! everything. Errors: none.

use crate::errno::SysResult;
use crate::thread::PROCESS_ID;

syscall!(178 => gettid, single_thread);

/// The only thread's id.
pub fn gettid() -> SysResult {
    Ok(PROCESS_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::Thread;

    #[test]
    fn is_the_first_threads_id() {
        assert_eq!(gettid(), Ok(Thread::first().tid as usize));
    }
}
