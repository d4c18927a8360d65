//! `sched_setparam(2)`: <https://man7.org/linux/man-pages/man2/sched_setparam.2.html>. Supported: the calling thread, whose priority
//! can only be 0; not supported: others. Errors: EINVAL, EFAULT.

use crate::errno::{Errno, Refusal, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(118 => sched_setparam);

/// Gives thread `tid` (0: the caller) the priority at `address`: time sharing has 0 alone.
pub fn sched_setparam(memory: &mut impl UserMemory, thread: &mut Thread, tid: i32, address: UserAddress) -> SysResult {
    if address.is_null() || tid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let priority = memory.read_u32(address)?;
    if tid != 0 && tid as u32 != thread.tid {
        return Err(Refusal::Unsupported("the scheduling priority of another thread"));
    }
    if priority == 0 { Ok(0) } else { Err(Errno::EINVAL.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn only_zero() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let (none, one) = (memory.address(0), memory.put(4, &[1]));
        let mut call = |tid, address| sched_setparam(&mut memory, &mut thread, tid, address);
        assert_eq!((call(0, none), call(0, one)), (Ok(0), Err(Errno::EINVAL.into())));
        assert_eq!(
            (call(-1, none), call(0, UserAddress::NULL)),
            (Err(Errno::EINVAL.into()), Err(Errno::EINVAL.into()))
        );
        assert_eq!(call(0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert!(matches!(call(9, none), Err(Refusal::Unsupported(_))));
    }
}
