//! `get_robust_list(2)`: <https://man7.org/linux/man-pages/man2/get_robust_list.2.html>. Supported: the calling thread; not
//! supported: others. Errors: EFAULT.

use crate::abi::futex::ROBUST_LIST_HEAD_BYTES;
use crate::errno::{Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(100 => get_robust_list);

/// Stores the head of the list of robust futexes of thread `tid` (0: the caller) at `head` and its length at `len_bytes`.
pub fn get_robust_list(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    tid: i32,
    head: UserAddress,
    len_bytes: UserAddress,
) -> SysResult {
    if tid != 0 && tid as u32 != thread.tid {
        return Err(Refusal::Unsupported("the robust futexes of another thread"));
    }
    memory.write_u64(len_bytes, ROBUST_LIST_HEAD_BYTES as u64)?;
    memory.write_u64(head, thread.robust_list.0 as u64)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn tells_what_was_set() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        thread.robust_list = UserAddress(77);
        let (head, len_bytes) = (memory.address(0), memory.address(8));
        let mut call = |tid, head| get_robust_list(&mut memory, &mut thread, tid, head, len_bytes);
        assert_eq!(call(0, head), Ok(0));
        assert_eq!(call(0, UserAddress::NULL), Err(Errno::EFAULT.into()));
        assert!(matches!(call(9, head), Err(Refusal::Unsupported(_))));
        assert_eq!((memory.read_u64(head), memory.read_u64(len_bytes)), (Ok(77), Ok(24)));
    }
}
