//! `ppoll(2)`: <https://man7.org/linux/man-pages/man2/ppoll.2.html>, where there is only one thread: files change by time
//! only. Supported: everything but waiting for what can never happen, and letting a pending signal in by another mask.
//! Errors: EINVAL, EFAULT.

use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::{read_signal_mask, read_timeout};
use crate::subsystems::poll_scan::{check_list, element, scan};
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
    let deadline_ns = timeout_ns.map(|timeout_ns| clock.after_ns(timeout_ns));
    loop {
        let ready_count = scan(memory, descriptors, clock.now_ns(), list, count)?;
        if ready_count > 0 || deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns()) {
            return Ok(ready_count);
        }
        if thread.pending_signals & !mask != 0 {
            return Err(Refusal::Unsupported("ppoll that lets a pending signal in"));
        }
        clock.idle_until(next_change_ns(memory, descriptors, list, count, deadline_ns)?);
    }
}

/// When something can happen next.
fn next_change_ns(
    memory: &impl UserMemory,
    descriptors: &mut Descriptors,
    list: UserAddress,
    count: u32,
    deadline_ns: Option<u64>,
) -> Result<u64, Refusal> {
    let mut earliest_ns = deadline_ns;
    for index in 0..count as usize {
        let fd = element(memory, list, index)?.fd;
        let change_ns = match descriptors.get(fd) {
            Ok(open) => open.file.next_change_ns(),
            Err(Errno(_)) => None,
        };
        earliest_ns = [earliest_ns, change_ns].into_iter().flatten().min();
    }
    earliest_ns.ok_or(Refusal::Unsupported("ppoll that waits for what no other thread can do"))
}

#[cfg(test)]
mod tests {
    use super::*;
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
