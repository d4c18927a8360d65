//! `sched_setscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>, where there is only one
//! thread. Supported: every policy but SCHED_DEADLINE, which needs another call; not supported: SCHED_EXT. Errors: EINVAL,
//! EFAULT, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched::Scheduling;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::only_thread::only_thread;
use crate::subsystems::scheduling_rights::{check_scheduling, refuse_parent};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(119 => sched_setscheduler, single_thread);

/// Gives thread `tid` (0: the caller) `policy` with the priority at `address`.
pub fn sched_setscheduler(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    thread: &mut Thread,
    tid: i32,
    policy: i32,
    address: UserAddress,
) -> SysResult {
    if policy < 0 || address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = memory.read_u32(address)?;
    if tid == PARENT_ID as i32 {
        Scheduling::FIRST.with_policy(policy, priority)?;
        return Err(refuse_parent());
    }
    let thread = only_thread(thread, tid)?;
    let new = thread.scheduling.with_policy(policy, priority)?;
    check_scheduling(thread, new, niceness.value, niceness.value)?;
    thread.scheduling = new;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::RLIMIT_NICE;
    use crate::abi::sched::{SCHED_FIFO, SCHED_IDLE, SCHED_NORMAL, SCHED_RESET_ON_FORK};
    use crate::subsystems::acting::{act_without_capabilities, note_limit};
    use crate::testing::FakeMemory;

    #[test]
    fn refusals_in_order() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let (none, one) = (memory.address(0), memory.put(4, &[1]));
        let mut niceness = Niceness::new();
        let mut call =
            |tid, policy, address| sched_setscheduler(&mut memory, &mut niceness, &mut thread, tid, policy, address);
        for (tid, policy, address, errno) in [
            (0, -1, none, Errno::EINVAL),
            (-1, SCHED_NORMAL, none, Errno::EINVAL),
            (0, SCHED_NORMAL, UserAddress::NULL, Errno::EINVAL),
            (9, SCHED_NORMAL, UserAddress(8), Errno::EFAULT),
            (9, 4, none, Errno::ESRCH),
            (0, SCHED_NORMAL, one, Errno::EINVAL),
            (0, SCHED_FIFO, none, Errno::EINVAL),
        ] {
            assert_eq!(call(tid, policy, address), Err(errno.into()), "{tid} {policy}");
        }
        assert_eq!(call(0, SCHED_FIFO | SCHED_RESET_ON_FORK, one), Ok(0));
        assert_eq!((thread.scheduling.policy(), thread.scheduling.priority()), (SCHED_FIFO | SCHED_RESET_ON_FORK, 1));
    }

    /// Without capabilities only with a niceness that is allowed.
    #[test]
    fn leaving_the_idle_ones() {
        let (mut memory, mut thread, mut niceness) = (FakeMemory::new(8), Thread::first(), Niceness::new());
        let none = memory.address(0);
        thread.credentials = act_without_capabilities();
        note_limit(RLIMIT_NICE, 10);
        for (nice, policy, expected) in [
            (0, SCHED_IDLE, Ok(0)),
            (0, SCHED_NORMAL, Err(Errno::EPERM.into())),
            (15, SCHED_NORMAL, Ok(0)),
            (-5, SCHED_IDLE, Ok(0)),
        ] {
            niceness.value = nice;
            assert_eq!(
                sched_setscheduler(&mut memory, &mut niceness, &mut thread, 0, policy, none),
                expected,
                "{nice}"
            );
        }
    }
}
