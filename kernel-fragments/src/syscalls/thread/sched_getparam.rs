//! `sched_getparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>. Supported: the calling thread; not
//! supported: others. Errors: EINVAL, EFAULT.

use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(121 => sched_getparam);

/// Stores the priority of thread `tid` (0: the caller) at `address`: 0, which is what time sharing has.
pub fn sched_getparam(memory: &mut impl UserMemory, thread: &mut Thread, tid: i32, address: UserAddress) -> SysResult {
    if address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid != 0 && tid as u32 != thread.tid {
        return Err(Refusal::Unsupported("the scheduling priority of another thread"));
    }
    memory.write_u32(address, 0)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn no_priority() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let at = memory.put(0, &[9; 8]);
        assert_eq!(sched_getparam(&mut memory, &mut thread, 0, at), Ok(0));
        assert_eq!(memory.bytes(0, 8), [0, 0, 0, 0, 9, 9, 9, 9]);
        let mut refusal = |tid, address| sched_getparam(&mut memory, &mut thread, tid, address);
        assert_eq!(refusal(0, UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert_eq!(refusal(-1, at), Err(Errno::EINVAL.into()));
        assert_eq!(refusal(0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert!(matches!(refusal(9, at), Err(Refusal::Unsupported(_))));
    }
}
