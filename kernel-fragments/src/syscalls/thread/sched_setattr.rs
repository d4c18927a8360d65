//! `sched_setattr(2)`: <https://man7.org/linux/man-pages/man2/sched_setattr.2.html>. Supported: every policy but those below, the
//! flags RESET_ON_FORK, RECLAIM, DL_OVERRUN, KEEP_POLICY, KEEP_PARAMS; not supported: SCHED_DEADLINE, SCHED_EXT, UTIL_CLAMP, turns of
//! another length. The most important thread runs next and is woken first; none is interrupted. All threads have one
//! niceness. Errors: EINVAL, EFAULT, E2BIG, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched_attr::Attributes;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::real_time::set_scheduling;
use crate::subsystems::scheduling_attributes::set_attributes;
use crate::subsystems::scheduling_rights::refuse_parent;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(274 => sched_setattr);

/// Gives thread `tid` (0: the caller) the policy and its parameters at `address`.
pub fn sched_setattr(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
    flags: u32,
) -> SysResult {
    if address.is_null() || tid < 0 || flags != 0 {
        return Err(Errno::EINVAL.into());
    }
    let wanted = Attributes::read(memory, address)?;
    if wanted.policy < 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid == PARENT_ID as i32 {
        return Err(refuse_parent());
    }
    set_scheduling(threads, thread, tid, |thread| set_attributes(thread, niceness, wanted))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::SCHED_RR;
    use crate::outcome::Leave;
    use crate::syscalls::thread::sched_getattr::sched_getattr;
    use crate::testing_threads::{Step, ThreadMachine};

    /// The rest is tested where there is one thread.
    #[test]
    fn of_another_thread() {
        let (mut machine, mut niceness) = (ThreadMachine::new(), Niceness::new());
        let tid = machine.spawn(0, UserAddress::NULL) as i32;
        let at = machine.memory.address(0);
        let wanted = Attributes { policy: SCHED_RR, priority: 8, ..Attributes::default() };
        assert_eq!(wanted.write(&mut machine.memory, at, 48), Ok(()));
        let mut set = |machine: &mut ThreadMachine, tid| {
            machine.call(|m, thread| {
                sched_setattr(&mut m.memory, &mut niceness, &mut m.threads, thread, tid, at, 0).map(Leave::Return)
            })
        };
        assert_eq!((set(&mut machine, 9), set(&mut machine, tid)), (Step::Failed(Errno::ESRCH), Step::Returned(0)));
        let step = machine.call(|m, thread| {
            let niceness = &mut Niceness::new();
            sched_getattr(&mut m.memory, niceness, &mut m.threads, thread, tid, at, 48, 0).map(Leave::Return)
        });
        assert_eq!((step, Attributes::read(&mut machine.memory, at)), (Step::Returned(0), Ok(wanted)));
    }
}
