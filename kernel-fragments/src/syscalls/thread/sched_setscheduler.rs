//! `sched_setscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>. Supported: SCHED_OTHER for
//! the calling thread, which is what it has; not supported: every other policy, and other threads. Errors: EINVAL, EFAULT.

use crate::abi::sched::{SCHED_DEADLINE, SCHED_NORMAL, has_priorities};
use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(119 => sched_setscheduler);

/// New threads get the default policy; may be added to the policy.
const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;

/// Gives thread `tid` (0: the caller) `policy` with the priority at `address`.
pub fn sched_setscheduler(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    tid: i32,
    policy: i32,
    address: UserAddress,
) -> SysResult {
    if policy < 0 || address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = memory.read_u32(address)?;
    if tid != 0 && tid as u32 != thread.tid {
        return Err(Refusal::Unsupported("the scheduling policy of another thread"));
    }
    let is_valid = match has_priorities(policy & !SCHED_RESET_ON_FORK) {
        Some(true) => matches!(priority, 1..=99),
        // Deadlines cannot be told by this call (kernel/sched/syscalls.c, __checkparam_dl).
        Some(false) => priority == 0 && policy & !SCHED_RESET_ON_FORK != SCHED_DEADLINE,
        None => false,
    };
    match (is_valid, policy) {
        (false, _) => Err(Errno::EINVAL.into()),
        (true, SCHED_NORMAL) => Ok(0),
        (true, _) => Err(Refusal::Unsupported("a scheduling policy other than SCHED_OTHER")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_FIFO, SCHED_IDLE};
    use crate::testing::FakeMemory;

    #[test]
    fn only_what_is_so_anyway() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let (none, one) = (memory.address(0), memory.put(4, &[1]));
        let mut call = |tid, policy, address| sched_setscheduler(&mut memory, &mut thread, tid, policy, address);
        assert_eq!(call(0, SCHED_NORMAL, none), Ok(0));
        for (tid, policy, address, errno) in [
            (0, -1, none, Errno::EINVAL),
            (-1, SCHED_NORMAL, none, Errno::EINVAL),
            (0, SCHED_NORMAL, UserAddress::NULL, Errno::EINVAL),
            (0, SCHED_NORMAL, UserAddress(8), Errno::EFAULT),
            (0, SCHED_NORMAL, one, Errno::EINVAL),
            (0, SCHED_FIFO, none, Errno::EINVAL),
            (0, SCHED_DEADLINE, none, Errno::EINVAL),
            (0, 4, none, Errno::EINVAL),
        ] {
            assert_eq!(call(tid, policy, address), Err(errno.into()), "{tid} {policy}");
        }
        for (tid, policy, address) in [(0, SCHED_FIFO, one), (0, SCHED_IDLE, none), (9, SCHED_NORMAL, none)] {
            assert!(matches!(call(tid, policy, address), Err(Refusal::Unsupported(_))));
        }
    }
}
