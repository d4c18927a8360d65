//! `set_tid_address(2)`: <https://man7.org/linux/man-pages/man2/set_tid_address.2.html>, where there is only one thread.
//! Supported: everything. Errors: none.
//!
//! Linux clears the word at the end of a thread only if others share its memory (kernel/fork.c, mm_release): here nobody
//! can tell whether the address was kept.

use crate::errno::SysResult;
use crate::thread::PROCESS_ID;

syscall!(96 => set_tid_address, single_thread);

/// Returns the only thread's id.
pub fn set_tid_address() -> SysResult {
    Ok(PROCESS_ID as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thread::Thread;

    #[test]
    fn returns_the_first_threads_id() {
        assert_eq!(set_tid_address(), Ok(Thread::first().tid as usize));
    }
}
