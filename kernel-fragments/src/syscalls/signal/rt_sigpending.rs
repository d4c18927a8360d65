//! `rt_sigpending(2)`: <https://man7.org/linux/man-pages/man2/rt_sigpending.2.html>. Supported: everything. Errors: EINVAL,
//! EFAULT.

use crate::abi::signal::SET_BYTES;
use crate::errno::{Errno, SysResult};
use crate::subsystems::signals::Signals;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(136 => rt_sigpending);

/// Stores the first `set_bytes` bytes of the set of signals that are pending for the thread because it blocks them.
pub fn rt_sigpending(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    address: UserAddress,
    set_bytes: usize,
) -> SysResult {
    let set = (signals.pending(thread) & thread.signal_mask).to_le_bytes();
    memory.write(address, set.get(..set_bytes.min(SET_BYTES + 1)).ok_or(Errno::EINVAL)?)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGTERM, set_of};
    use crate::testing::FakeMemory;

    #[test]
    fn tells_what_is_blocked() {
        let (mut memory, mut signals, mut thread) = (FakeMemory::new(8), Signals::new(), Thread::first());
        thread.signal_mask = set_of(SIGTERM);
        assert_eq!(signals.send_to_thread(&mut thread, SIGTERM), Ok(()));
        let at = memory.address(0);
        assert_eq!(rt_sigpending(&mut memory, &mut signals, &mut thread, at, 8), Ok(0));
        assert_eq!(memory.read_u64(at), Ok(set_of(SIGTERM)));
        assert_eq!(rt_sigpending(&mut memory, &mut signals, &mut thread, at, 9), Err(Errno::EINVAL.into()));
        let bad = UserAddress(8);
        assert_eq!(rt_sigpending(&mut memory, &mut signals, &mut thread, bad, 8), Err(Errno::EFAULT.into()));
    }
}
