//! `sched_setattr(2)`: <https://man7.org/linux/man-pages/man2/sched_setattr.2.html>, where there is only one thread.
//! Supported: every policy but those below, the flags RESET_ON_FORK, RECLAIM, DL_OVERRUN, KEEP_POLICY, KEEP_PARAMS; not
//! supported: SCHED_DEADLINE, SCHED_EXT, UTIL_CLAMP, turns of another length. All threads have one niceness. Errors:
//! EINVAL, EFAULT, E2BIG, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched_attr::Attributes;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::only_thread::only_thread;
use crate::subsystems::scheduling_attributes::set_attributes;
use crate::subsystems::scheduling_rights::refuse_parent;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(274 => sched_setattr, single_thread);

/// Gives thread `tid` (0: the caller) the policy and its parameters at `address`.
pub fn sched_setattr(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
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
    set_attributes(only_thread(thread, tid)?, niceness, wanted)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_BATCH, SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_RESET_ON_FORK};
    use crate::abi::sched_attr::{KEEP_PARAMETERS, KEEP_POLICY, RESET_ON_FORK};
    use crate::errno::Refusal;
    use crate::syscalls::thread::sched_getattr_single::sched_getattr;
    use crate::testing::FakeMemory;

    #[test]
    fn what_is_set_is_told() {
        let (mut memory, mut thread, mut niceness) = (FakeMemory::new(64), Thread::first(), Niceness::new());
        let at = memory.address(0);
        let first = Attributes { policy: 0, runtime_ns: 750_000, ..Attributes::default() };
        let fifo = Attributes { policy: SCHED_FIFO, flags: RESET_ON_FORK, priority: 3, ..Attributes::default() };
        let batch = Attributes { policy: SCHED_BATCH, nice: 5, runtime_ns: 750_000, ..Attributes::default() };
        let keeps = Attributes { policy: 9, flags: KEEP_POLICY | KEEP_PARAMETERS, nice: 7, ..Attributes::default() };
        let unknown = Attributes { flags: 0x80, ..first };
        let idle = Attributes { policy: SCHED_IDLE, nice: 9, runtime_ns: 1_000_000, ..Attributes::default() };
        let refused = Err(Errno::EINVAL.into());
        let deadline = Attributes { policy: SCHED_DEADLINE, ..first };
        let unsupported = Err(Refusal::Unsupported("SCHED_DEADLINE, or clamps of a thread's utilisation"));
        for (wanted, expected, told) in [
            (first, Ok(0), first),
            (fifo, Ok(0), fifo),
            (Attributes { priority: 0, ..fifo }, refused, fifo),
            (batch, Ok(0), batch),
            (unknown, refused, batch),
            (keeps, Ok(0), batch),
            (deadline, unsupported, batch),
            (idle, Ok(0), Attributes { nice: 5, runtime_ns: 750_000, ..idle }),
        ] {
            assert_eq!(wanted.write(&mut memory, at, 56), Ok(()));
            let result = sched_setattr(&mut memory, &mut niceness, &mut thread, 0, at, 0);
            assert_eq!(result, expected, "{wanted:?}");
            assert_eq!(sched_getattr(&mut memory, &mut niceness, &mut thread, 2, at, 64, 0), Ok(0));
            assert_eq!(Attributes::read(&mut memory, at), Ok(told));
        }
        assert_eq!(thread.scheduling.policy() & SCHED_RESET_ON_FORK, 0);
        let mut get =
            |tid, room_bytes, flags| sched_getattr(&mut memory, &mut niceness, &mut thread, tid, at, room_bytes, flags);
        assert_eq!((get(0, 47, 0), get(0, 48, 1), get(9, 48, 0)), (refused, refused, Err(Errno::ESRCH.into())));
        assert_eq!(sched_setattr(&mut memory, &mut niceness, &mut thread, 0, UserAddress::NULL, 0), refused);
    }
}
