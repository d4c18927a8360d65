//! `sched_getparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>, where there is only one thread.
//! Supported: everything. Errors: EINVAL, EFAULT, ESRCH.

use crate::errno::{Errno, SysResult};
use crate::subsystems::only_thread::only_thread;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(121 => sched_getparam, single_thread);

/// Stores the priority of thread `tid` (0: the caller) at `address`.
pub fn sched_getparam(memory: &mut impl UserMemory, thread: &mut Thread, tid: i32, address: UserAddress) -> SysResult {
    if address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = only_thread(thread, tid)?.scheduling.priority();
    memory.write_u32(address, priority)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn no_priority_at_first() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let at = memory.put(0, &[9; 8]);
        assert_eq!(sched_getparam(&mut memory, &mut thread, 0, at), Ok(0));
        assert_eq!(memory.bytes(0, 8), [0, 0, 0, 0, 9, 9, 9, 9]);
        let mut refusal = |tid, address| sched_getparam(&mut memory, &mut thread, tid, address);
        assert_eq!(refusal(0, UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert_eq!(refusal(-1, at), Err(Errno::EINVAL.into()));
        assert_eq!(refusal(0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(refusal(9, UserAddress(8)), Err(Errno::ESRCH.into()));
    }
}
