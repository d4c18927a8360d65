//! `sched_rr_get_interval(2)`: <https://man7.org/linux/man-pages/man2/sched_rr_get_interval.2.html>. Supported:
//! everything; the slices of time sharing are less than a tick, 0. Errors: EINVAL, EFAULT, ESRCH.

use crate::abi::timespec::write_timespec;
use crate::errno::{Errno, SysResult};
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(127 => sched_rr_get_interval);

/// Stores the time slice of thread `tid` (0: the caller) at `address`.
pub fn sched_rr_get_interval(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
) -> SysResult {
    if tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let slice_ns = thread_by_id(threads, thread, tid)?.scheduling.slice_ns();
    write_timespec(memory, address, slice_ns)?;
    Ok(0)
}
