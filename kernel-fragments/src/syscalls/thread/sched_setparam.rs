//! `sched_setparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>. Supported: everything. The
//! most important thread runs next and is woken first; none is interrupted. Errors: EINVAL, EFAULT, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::sched::Scheduling;
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::real_time::set_scheduling;
use crate::subsystems::scheduling_rights::{check_scheduling, refuse_parent};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(118 => sched_setparam);

/// Gives thread `tid` (0: the caller) the priority at `address`.
pub fn sched_setparam(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    threads: &mut Threads,
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
    set_scheduling(threads, thread, tid, |thread| {
        let new = thread.scheduling.with_priority(priority)?;
        check_scheduling(thread, new, niceness.value, niceness.value)?;
        thread.scheduling = new;
        Ok(0)
    })
}
