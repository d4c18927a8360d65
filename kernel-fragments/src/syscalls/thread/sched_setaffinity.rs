//! `sched_setaffinity(2)`: <https://man7.org/linux/man-pages/man2/sched_setaffinity.2.html>. Supported: this process's
//! threads. Errors: EINVAL, EFAULT, ESRCH, EPERM.

use crate::errno::{Errno, SysResult};
use crate::subsystems::hart_set::has_hart;
use crate::subsystems::scheduling_rights::check_placing;
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(122 => sched_setaffinity);

/// Lets thread `tid` (0: the caller) run on the harts of the set at `address`, which must hold the only one.
pub fn sched_setaffinity(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    len_bytes: u32,
    address: UserAddress,
) -> SysResult {
    let is_possible = has_hart(memory, address, len_bytes as usize)?;
    check_placing(thread_by_id(threads, thread, tid)?)?;
    if is_possible { Ok(0) } else { Err(Errno::EINVAL.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::credentials::Ids;
    use crate::subsystems::acting::{act_as, act_without_capabilities};
    use crate::subsystems::credentials::Credentials;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn the_only_hart_must_be_there() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let mut threads = Threads::new();
        let (one, other) = (memory.put(0, &[3]), memory.put(8, &[2]));
        let mut call = |tid, len_bytes, address| {
            sched_setaffinity(&mut memory, &mut threads, &mut thread, tid, len_bytes, address)
        };
        assert_eq!(call(0, 8, one), Ok(0));
        assert_eq!(call(2, 1, one), Ok(0));
        assert_eq!(call(0, 0, one), Err(Errno::EINVAL.into()));
        assert_eq!(call(0, 8, other), Err(Errno::EINVAL.into()));
        assert_eq!(call(9, 8, other), Err(Errno::ESRCH.into()));
        assert_eq!(call(0, 8, UserAddress(8)), Err(Errno::EFAULT.into()));
        let stranger = act_without_capabilities().identity().with_users(Ids::all(5));
        act_as(Credentials::of(Box::leak(Box::new(stranger))));
        assert_eq!([call(0, 8, other), call(9, 8, one)], [Errno::EPERM, Errno::ESRCH].map(|errno| Err(errno.into())));
    }
}
