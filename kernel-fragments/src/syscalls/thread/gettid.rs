//! `gettid(2)`: <https://man7.org/linux/man-pages/man2/gettid.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::thread::Thread;

syscall!(178 => gettid);

/// The calling thread's id.
pub fn gettid(thread: &mut Thread) -> SysResult {
    Ok(thread.tid as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::PROCESS_ID;

    #[test]
    fn the_first_threads_is_the_process_id() {
        let mut thread = Thread::first();
        assert_eq!(gettid(&mut thread), Ok(PROCESS_ID as usize));
        thread.tid = 9;
        assert_eq!(gettid(&mut thread), Ok(9));
    }
}
