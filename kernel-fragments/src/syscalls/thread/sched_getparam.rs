//! `sched_getparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>. Supported: everything. Errors:
//! EINVAL, EFAULT, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(121 => sched_getparam);

/// Stores the priority of thread `tid` (0: the caller) at `address`.
pub fn sched_getparam(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
) -> SysResult {
    if address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = thread_by_id(threads, thread, tid)?.scheduling.priority();
    memory.write_u32(address, priority)?;
    Ok(0)
}
