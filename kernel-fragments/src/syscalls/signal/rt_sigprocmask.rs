//! `rt_sigprocmask(2)`: <https://man7.org/linux/man-pages/man2/rt_sigprocmask.2.html>. Supported: everything. Errors:
//! EINVAL, EFAULT.

use crate::abi::signal::{SET_BYTES, UNBLOCKABLE};
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::signals::Signals;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(135 => rt_sigprocmask);

quick!(change_mask);

const SIG_BLOCK: u32 = 0;
const SIG_UNBLOCK: u32 = 1;
const SIG_SETMASK: u32 = 2;

/// What a call with a set comes to, if no signal is pending.
pub fn change_mask(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    how: u32,
    address: UserAddress,
    old_address: UserAddress,
    set_bytes: usize,
) -> Option<Outcome> {
    if signals.are_pending(thread) || set_bytes != SET_BYTES {
        return None;
    }
    let (old, set) = (thread.signal_mask, memory.read_u64_quickly(address)? & !UNBLOCKABLE);
    let new = match how {
        SIG_BLOCK => old | set,
        SIG_UNBLOCK => old & !set,
        SIG_SETMASK => set,
        _ => return None,
    };
    if !old_address.is_null() {
        memory.write_words_quickly(old_address, [old])?;
    }
    thread.signal_mask = new;
    Some(Ok(Leave::Return(0)))
}

/// Changes the thread's mask by the set at `address`, as `how` says, and stores the old one at `old_address`, where
/// these are not null. Without a set, `how` does not matter.
pub fn rt_sigprocmask(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    how: u32,
    address: UserAddress,
    old_address: UserAddress,
    set_bytes: usize,
) -> Outcome {
    if set_bytes != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let old = thread.signal_mask;
    if !address.is_null() {
        let set = memory.read_u64(address)? & !UNBLOCKABLE;
        thread.signal_mask = match how {
            SIG_BLOCK => old | set,
            SIG_UNBLOCK => old & !set,
            SIG_SETMASK => set,
            _ => return Err(Errno::EINVAL.into()),
        };
    }
    if !old_address.is_null() {
        memory.write_u64(old_address, old)?;
    }
    signals.settle(thread, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGTERM, set_of};
    use crate::outcome::Leave;
    use crate::testing::FakeMemory;

    #[test]
    fn blocks_and_unblocks() {
        let (mut memory, mut signals, mut thread) = (FakeMemory::new(16), Signals::new(), Thread::first());
        let (set, old) = (memory.put(0, &u64::MAX.to_le_bytes()), memory.address(8));
        let null = UserAddress::NULL;
        let mut call = |memory: &mut FakeMemory, signals: &mut Signals, how, set, old, bytes| {
            let outcome = rt_sigprocmask(memory, signals, &mut thread, how, set, old, bytes);
            (outcome, thread.signal_mask)
        };
        let done = Ok(Leave::Return(0));
        assert_eq!(call(&mut memory, &mut signals, SIG_BLOCK, set, old, 8), (done, !UNBLOCKABLE));
        assert_eq!(call(&mut memory, &mut signals, 77, null, old, 8), (done, !UNBLOCKABLE), "how does not matter");
        assert_eq!(memory.read_u64(old), Ok(!UNBLOCKABLE));
        assert_eq!(signals.send_to_process(&mut Thread::first(), SIGTERM), Ok(()));
        memory.put(0, &set_of(SIGTERM).to_le_bytes());
        assert_eq!(call(&mut memory, &mut signals, SIG_SETMASK, set, old, 8), (done, set_of(SIGTERM)));
        assert_eq!(call(&mut memory, &mut signals, 3, set, null, 8).0, Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, &mut signals, 0, set, null, 4).0, Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, &mut signals, 3, UserAddress(8), null, 8).0, Err(Errno::EFAULT.into()));
        assert_eq!(call(&mut memory, &mut signals, SIG_UNBLOCK, set, null, 8), (Ok(Leave::Exit(128 + 15)), 0));
    }
}
