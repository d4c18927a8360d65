//! `sched_setscheduler(2)`: <https://man7.org/linux/man-pages/man2/sched_setscheduler.2.html>. Supported: every policy
//! but SCHED_DEADLINE, which needs another call; not supported: SCHED_EXT. The most important thread runs
//! next and is woken first; none is interrupted. Errors: EINVAL, EFAULT, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched::Scheduling;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::real_time::set_scheduling;
use crate::subsystems::scheduling_rights::{check_scheduling, refuse_parent};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(119 => sched_setscheduler);

/// Gives thread `tid` (0: the caller) `policy` with the priority at `address`.
pub fn sched_setscheduler(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    threads: &mut Threads,
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
    set_scheduling(threads, thread, tid, |thread| {
        let new = thread.scheduling.with_policy(policy, priority)?;
        check_scheduling(thread, new, niceness.value, niceness.value)?;
        thread.scheduling = new;
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_FIFO, SCHED_RESET_ON_FORK};
    use crate::outcome::Leave;
    use crate::syscalls::thread::sched_getscheduler::sched_getscheduler;
    use crate::testing_threads::{Step, ThreadMachine};

    /// Children inherit, and each thread can be named.
    #[test]
    fn other_threads() {
        let mut machine = ThreadMachine::new();
        let at = machine.memory.put(0, &[5]);
        let set = |machine: &mut ThreadMachine, tid, policy| {
            machine.call(|m, thread| {
                sched_setscheduler(&mut m.memory, &mut Niceness::new(), &mut m.threads, thread, tid, policy, at)
                    .map(Leave::Return)
            })
        };
        let get = |machine: &mut ThreadMachine, tid| {
            machine.call(|m, thread| sched_getscheduler(&mut m.threads, thread, tid).map(Leave::Return))
        };
        assert_eq!(set(&mut machine, 0, SCHED_FIFO), Step::Returned(0));
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(get(&mut machine, 3), Step::Returned(SCHED_FIFO as usize));
        assert_eq!(set(&mut machine, 3, SCHED_FIFO | SCHED_RESET_ON_FORK), Step::Returned(0));
        assert_eq!(get(&mut machine, 3), Step::Returned((SCHED_FIFO | SCHED_RESET_ON_FORK) as usize));
        assert_eq!(get(&mut machine, 0), Step::Returned(SCHED_FIFO as usize));
        assert_eq!(set(&mut machine, 9, SCHED_FIFO), Step::Failed(Errno::ESRCH));
    }
}
