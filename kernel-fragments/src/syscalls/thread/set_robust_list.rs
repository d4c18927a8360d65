//! `set_robust_list(2)`: <https://man7.org/linux/man-pages/man2/set_robust_list.2.html>. Supported: everything. Errors:
//! EINVAL.

use crate::abi::futex::ROBUST_LIST_HEAD_BYTES;
use crate::errno::{Errno, SysResult};
use crate::thread::Thread;
use crate::user_memory::UserAddress;

syscall!(99 => set_robust_list);

/// Remembers the head of the thread's list of robust futexes; it is looked at when the thread ends.
pub fn set_robust_list(thread: &mut Thread, head: UserAddress, len_bytes: usize) -> SysResult {
    if len_bytes != ROBUST_LIST_HEAD_BYTES {
        return Err(Errno::EINVAL.into());
    }
    thread.robust_list = head;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_length_only() {
        let mut thread = Thread::first();
        assert_eq!(set_robust_list(&mut thread, UserAddress(8), 24), Ok(0));
        assert_eq!(set_robust_list(&mut thread, UserAddress(16), 12), Err(Errno::EINVAL.into()));
        assert_eq!(thread.robust_list, UserAddress(8));
    }
}
