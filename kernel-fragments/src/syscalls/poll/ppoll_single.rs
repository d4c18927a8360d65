//! `ppoll(2)`: <https://man7.org/linux/man-pages/man2/ppoll.2.html>, where there is only one thread: nothing
//! happens to a file meanwhile. Supported: everything but waiting for ever, and letting a pending signal in by another mask.
//! Errors: EINVAL, EFAULT.

use crate::errno::{Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::{read_signal_mask, read_timeout};
use crate::subsystems::poll_scan::{check_list, scan};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(73 => ppoll, single_thread);

/// Tells for each of the `count` descriptors listed at `list` what is ready, and returns for how many something is. Waits
/// until there is one for at most the time at `timeout`.
pub fn ppoll(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    thread: &mut Thread,
    list: UserAddress,
    count: u32,
    timeout: UserAddress,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> SysResult {
    let timeout_ns = read_timeout(memory, timeout)?;
    let mask = read_signal_mask(memory, signal_mask, signal_mask_bytes)?.unwrap_or(thread.signal_mask);
    check_list(memory, descriptors, list, count)?;
    let ready_count = scan(memory, descriptors, clock.now_ns(), list, count)?;
    match timeout_ns {
        _ if ready_count > 0 => {}
        Some(0) => {}
        _ if thread.pending_signals & !mask != 0 => {
            return Err(Refusal::Unsupported("ppoll that lets a pending signal in"));
        }
        Some(timeout_ns) => clock.idle_until(clock.after_ns(timeout_ns)),
        None => return Err(Refusal::Unsupported("ppoll that waits for what no other thread can do")),
    }
    Ok(ready_count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn time_passes_while_nothing_is_ready() {
        let (mut memory, mut descriptors, mut clock) = (FakeMemory::new(64), Descriptors::new(), Clock::new());
        let mut thread = Thread::first();
        let (list, time, null) = (memory.address(0), memory.put(24, &7_000u64.to_le_bytes()), UserAddress::NULL);
        let time = UserAddress(time.0 - 8);
        let mut call = |timeout, mask, mask_bytes| {
            ppoll(&mut memory, &mut descriptors, &mut clock, &mut thread, list, 0, timeout, mask, mask_bytes)
        };
        assert_eq!((call(time, null, 0), call(time, list, 4)), (Ok(0), Err(Errno::EINVAL.into())));
        assert!(matches!(call(null, null, 0), Err(Refusal::Unsupported(_))));
        assert_eq!(clock.now_ns(), 7_000);
    }
}
