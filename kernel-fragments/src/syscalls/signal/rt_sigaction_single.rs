//! `rt_sigaction(2)`: <https://man7.org/linux/man-pages/man2/rt_sigaction.2.html>, where there is only one thread. Supported: everything;
//! unknown flags are cleared, as on Linux. Errors: EINVAL, EFAULT.

use crate::errno::SysResult;
use crate::subsystems::signal_actions::{read_action, tell_action};
use crate::subsystems::signals::Signals;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(134 => rt_sigaction, single_thread);

/// Stores the action of `number` at `old_address` and takes the one at `address`, where these are not null.
pub fn rt_sigaction(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    thread: &mut Thread,
    number: i32,
    address: UserAddress,
    old_address: UserAddress,
    set_bytes: usize,
) -> SysResult {
    let (signal, new) = read_action(memory, number, address, set_bytes)?;
    let old = signals.action(signal);
    if let Some(action) = new {
        signals.set_action(thread, signal, action);
    }
    tell_action(memory, old_address, old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SA_RESTART, SIGKILL, SIGTERM, UNBLOCKABLE};
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn sets_and_tells() {
        let (mut memory, mut signals, mut thread) = (FakeMemory::new(64), Signals::new(), Thread::first());
        let new = memory.put(0, &[7u64, SA_RESTART | 1 << 60 | 0x0400_0400, u64::MAX].map(u64::to_le_bytes).concat());
        let old = memory.address(32);
        let mut call = |memory: &mut FakeMemory, number, new, old, bytes| {
            rt_sigaction(memory, &mut signals, &mut thread, number, new, old, bytes)
        };
        let null = UserAddress::NULL;
        assert_eq!(call(&mut memory, SIGTERM as i32, new, old, 8), Ok(0));
        assert_eq!(memory.bytes(32, 24), [0; 24]);
        assert_eq!(call(&mut memory, SIGTERM as i32, null, old, 8), Ok(0));
        assert_eq!(memory.read_u64(old), Ok(7));
        assert_eq!(memory.read_u64(old.add(8)), Ok(SA_RESTART));
        assert_eq!(memory.read_u64(old.add(16)), Ok(!UNBLOCKABLE));
        assert_eq!(call(&mut memory, SIGKILL as i32, null, old, 8), Ok(0), "asking is fine");
        for (number, new, old, bytes, errno) in [
            (SIGKILL as i32, new, null, 8, Errno::EINVAL),
            (0, null, null, 8, Errno::EINVAL),
            (65, null, null, 8, Errno::EINVAL),
            (10, new, null, 16, Errno::EINVAL),
            (65, UserAddress(8), null, 8, Errno::EFAULT),
            (10, null, UserAddress(8), 8, Errno::EFAULT),
        ] {
            assert_eq!(call(&mut memory, number, new, old, bytes), Err(errno.into()), "{number} {bytes}");
        }
    }
}
