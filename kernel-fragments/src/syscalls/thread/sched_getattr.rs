//! `sched_getattr(2)`: <https://man7.org/linux/man-pages/man2/sched_setattr.2.html>. Supported: everything; all threads have one
//! niceness. Errors: EINVAL, EFAULT, ESRCH.

use crate::abi::sched_attr::{FIRST_BYTES, MOST_BYTES};
use crate::errno::{Errno, SysResult};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::scheduling_attributes::attributes_of;
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(275 => sched_getattr);

/// Stores as much of the policy of thread `tid` (0: the caller) and its parameters at `address` as `room_bytes` hold.
pub fn sched_getattr(
    memory: &mut impl UserMemory,
    niceness: &mut Niceness,
    threads: &mut Threads,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
    room_bytes: u32,
    flags: u32,
) -> SysResult {
    if address.is_null() || tid < 0 || flags != 0 || !(FIRST_BYTES..=MOST_BYTES).contains(&room_bytes) {
        return Err(Errno::EINVAL.into());
    }
    let attributes = attributes_of(thread_by_id(threads, thread, tid)?, niceness);
    attributes.write(memory, address, room_bytes)?;
    Ok(0)
}
