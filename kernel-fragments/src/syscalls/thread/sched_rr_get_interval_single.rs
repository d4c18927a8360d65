//! `sched_rr_get_interval(2)`: <https://man7.org/linux/man-pages/man2/sched_rr_get_interval.2.html>, where there is only
//! one thread. Supported: everything; the slices of time sharing are less than a tick, 0. Errors: EINVAL, EFAULT, ESRCH.

use crate::abi::timespec::write_timespec;
use crate::errno::{Errno, SysResult};
use crate::subsystems::only_thread::only_thread;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(127 => sched_rr_get_interval, single_thread);

/// Stores the time slice of thread `tid` (0: the caller) at `address`.
pub fn sched_rr_get_interval(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
) -> SysResult {
    if tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let slice_ns = only_thread(thread, tid)?.scheduling.slice_ns();
    write_timespec(memory, address, slice_ns)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_RR, Scheduling};
    use crate::testing::FakeMemory;

    #[test]
    fn only_turns_have_slices() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let place = memory.put(0, &[9; 16]);
        let mut call = |thread: &mut _, tid, place| sched_rr_get_interval(&mut memory, thread, tid, place);
        assert_eq!((call(&mut thread, 0, place), call(&mut thread, -1, place)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(call(&mut thread, 0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(call(&mut thread, 9, place), Err(Errno::ESRCH.into()));
        thread.scheduling = Scheduling::FIRST.with_policy(SCHED_RR, 9).expect("it is valid");
        assert_eq!(call(&mut thread, 0, place), Ok(0));
        assert_eq!(memory.read_u64(UserAddress(place.0 + 8)), Ok(100_000_000));
    }
}
