//! `sched_getaffinity(2)`: <https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html>, the system call, which returns how many bytes it stored. Supported: this process's
//! threads. Errors: EINVAL, EFAULT, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::hart_set::{check_len, store};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(123 => sched_getaffinity);

/// Stores the set of harts on which thread `tid` (0: the caller) may run: the only one there is. Returns its length.
pub fn sched_getaffinity(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    len_bytes: u32,
    address: UserAddress,
) -> SysResult {
    check_len(len_bytes)?;
    if tid == 0 || tid as u32 == thread.tid || threads.find(tid as u32).is_some() {
        store(memory, address)
    } else {
        Err(Errno::ESRCH.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn tells_of_the_only_hart() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let mut threads = Threads::new();
        let at = memory.put(0, &[9; 16]);
        let mut call = |tid, len_bytes, address| {
            sched_getaffinity(&mut memory, &mut threads, &mut thread, tid, len_bytes, address)
        };
        assert_eq!(call(0, 16, at), Ok(8));
        assert_eq!(call(2, 8, at), Ok(8));
        assert_eq!(call(0, 7, at), Err(Errno::EINVAL.into()));
        assert_eq!(call(0, 12, at), Err(Errno::EINVAL.into()));
        assert_eq!(call(-1, 8, at), Err(Errno::ESRCH.into()));
        assert_eq!(call(9, 8, at), Err(Errno::ESRCH.into()));
        assert_eq!(call(0, 8, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(memory.bytes(0, 9), [1, 0, 0, 0, 0, 0, 0, 0, 9]);
    }
}
