//! `sigaltstack(2)`: <https://man7.org/linux/man-pages/man2/sigaltstack.2.html>. Supported: everything. Errors: EINVAL,
//! ENOMEM, EPERM, EFAULT.

use crate::errno::SysResult;
use crate::subsystems::alternate_stack::{SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, give, is_in_use};
use crate::thread::{AlternateStack, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(132 => sigaltstack);

/// Bytes of `stack_t`.
const STACK_BYTES: usize = 24;

/// Takes the thread's alternate stack from `address` and stores the old one at `old_address`, where these are not null.
pub fn sigaltstack(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    address: UserAddress,
    old_address: UserAddress,
) -> SysResult {
    let (old, is_on_it) = (thread.alternate_stack, is_in_use(thread));
    if !address.is_null() {
        memory.slice(address, STACK_BYTES)?;
        let (start, flags) = (memory.read_u64(address)?, memory.read_u32(address.add(8))?);
        let len_bytes = memory.read_u64(address.add(16))?;
        give(thread, is_on_it, AlternateStack { start, flags, len_bytes })?;
    }
    if !old_address.is_null() {
        memory.slice_mut(old_address, STACK_BYTES)?;
        // What was given besides SS_AUTODISARM is not told.
        let state = if old.len_bytes == 0 {
            SS_DISABLE
        } else if is_on_it {
            SS_ONSTACK
        } else {
            0
        };
        memory.write_u64(old_address, old.start)?;
        memory.write_u64(old_address.add(8), u64::from(state | old.flags & SS_AUTODISARM))?;
        memory.write_u64(old_address.add(16), old.len_bytes)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;
    use crate::thread::SP;

    fn put(memory: &mut FakeMemory, start: u64, flags: u32, len_bytes: u64) -> UserAddress {
        memory.put(0, &[start, u64::from(flags), len_bytes].map(u64::to_le_bytes).concat())
    }

    #[test]
    fn sets_and_tells() {
        let (mut memory, mut thread) = (FakeMemory::new(64), Thread::first());
        thread.frame.x[SP] = 0x9000;
        let old = memory.address(32);
        let null = UserAddress::NULL;
        let expect = |memory: &mut FakeMemory, thread: &mut Thread, start, flags: u32, len_bytes| {
            assert_eq!(sigaltstack(memory, thread, null, old), Ok(0));
            assert_eq!(memory.read_u64(old), Ok(start));
            assert_eq!(memory.read_u32(old.add(8)), Ok(flags));
            assert_eq!(memory.read_u64(old.add(16)), Ok(len_bytes));
        };
        expect(&mut memory, &mut thread, 0, SS_DISABLE, 0);
        let none = put(&mut memory, 0, 0, 0);
        assert_eq!(sigaltstack(&mut memory, &mut thread, none, null), Ok(0), "the first thread is like that already");
        thread.tid += 1;
        assert_eq!(sigaltstack(&mut memory, &mut thread, none, null), Err(Errno::ENOMEM.into()));
        let new = put(&mut memory, 0x1000, SS_ONSTACK, 2048);
        assert_eq!(sigaltstack(&mut memory, &mut thread, new, null), Ok(0));
        expect(&mut memory, &mut thread, 0x1000, 0, 2048);
        thread.frame.x[SP] = 0x1800;
        expect(&mut memory, &mut thread, 0x1000, SS_ONSTACK, 2048);
        assert_eq!(sigaltstack(&mut memory, &mut thread, new, null), Err(Errno::EPERM.into()));
        thread.frame.x[SP] = 0x1000;
        let new = put(&mut memory, 0x1000, 0, 2047);
        assert_eq!(sigaltstack(&mut memory, &mut thread, new, null), Err(Errno::ENOMEM.into()));
        let new = put(&mut memory, 0x1000, 4, 4096);
        assert_eq!(sigaltstack(&mut memory, &mut thread, new, null), Err(Errno::EINVAL.into()));
        let new = put(&mut memory, 0x1000, SS_DISABLE, 1);
        assert_eq!(sigaltstack(&mut memory, &mut thread, new, old), Ok(0));
        expect(&mut memory, &mut thread, 0, SS_DISABLE, 0);
        assert_eq!(sigaltstack(&mut memory, &mut thread, UserAddress(8), null), Err(Errno::EFAULT.into()));
    }
}
