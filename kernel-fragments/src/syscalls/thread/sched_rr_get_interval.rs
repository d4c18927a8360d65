//! `sched_rr_get_interval(2)`: <https://man7.org/linux/man-pages/man2/sched_rr_get_interval.2.html>. Supported: the calling thread,
//! whose time slice is less than a tick, 0; not supported: others. Errors: EINVAL, EFAULT.

use crate::abi::timespec::write_timespec;
use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(127 => sched_rr_get_interval);

/// Stores the time slice of thread `tid` (0: the caller) at `address`: what Linux 6.12 says of time sharing.
pub fn sched_rr_get_interval(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    tid: i32,
    address: UserAddress,
) -> SysResult {
    if tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid != 0 && tid as u32 != thread.tid {
        return Err(Refusal::Unsupported("the time slice of another thread"));
    }
    write_timespec(memory, address, 0)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn less_than_a_tick() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let place = memory.put(0, &[9; 16]);
        let mut call = |tid, place| sched_rr_get_interval(&mut memory, &mut thread, tid, place);
        assert_eq!((call(0, place), call(-1, place)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(call(0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert!(matches!(call(9, place), Err(Refusal::Unsupported(_))));
        assert_eq!(memory.bytes(0, 16), [0; 16]);
    }
}
