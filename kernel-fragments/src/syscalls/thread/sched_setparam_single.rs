//! `sched_setparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>, where there is only one thread.
//! Supported: everything. Errors: EINVAL, EFAULT, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched::Scheduling;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::only_thread::only_thread;
use crate::subsystems::scheduling_rights::{check_scheduling, refuse_parent};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(118 => sched_setparam, single_thread);

/// Gives thread `tid` (0: the caller) the priority at `address`.
pub fn sched_setparam(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
) -> SysResult {
    if address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = memory.read_u32(address)?;
    if tid == PARENT_ID as i32 {
        Scheduling::FIRST.with_priority(priority)?;
        return Err(refuse_parent());
    }
    let thread = only_thread(thread, tid)?;
    let new = thread.scheduling.with_priority(priority)?;
    check_scheduling(thread, new, niceness.value, niceness.value)?;
    thread.scheduling = new;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_RR, Scheduling};
    use crate::testing::FakeMemory;

    #[test]
    fn as_the_policy_has_it() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let (none, one) = (memory.address(0), memory.put(4, &[1]));
        let mut niceness = Niceness::new();
        let mut call = |thread: &mut _, tid, address| sched_setparam(&mut memory, &mut niceness, thread, tid, address);
        for (tid, address, errno) in [
            (-1, none, Errno::EINVAL),
            (0, UserAddress::NULL, Errno::EINVAL),
            (9, UserAddress(8), Errno::EFAULT),
            (9, one, Errno::ESRCH),
            (0, one, Errno::EINVAL),
        ] {
            assert_eq!(call(&mut thread, tid, address), Err(errno.into()), "{tid}");
        }
        assert_eq!(call(&mut thread, 0, none), Ok(0));
        thread.scheduling = Scheduling::FIRST.with_policy(SCHED_RR, 9).expect("it is valid");
        assert_eq!((call(&mut thread, 2, one), call(&mut thread, 2, none)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(thread.scheduling.priority(), 1);
    }
}
