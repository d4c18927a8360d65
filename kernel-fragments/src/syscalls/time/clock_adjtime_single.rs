//! `clock_adjtime(2)`: <https://man7.org/linux/man-pages/man2/adjtimex.2.html>, where there is only one
//! thread: nobody waits for a time of day meanwhile.
//! Supported: asking (no modes, ADJ_OFFSET_SS_READ),
//! ADJ_SETOFFSET with or without ADJ_NANO; not supported: the other modes. The clock is never synchronised. Errors: EINVAL, EFAULT,
//! EPERM, EOPNOTSUPP.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::{adjust, check_clock};
use crate::subsystems::time_of_day::set;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(266 => clock_adjtime, single_thread);

/// Adjusts clock `id` as the `timex` at `address` says, and tells there how it stands.
pub fn clock_adjtime(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> SysResult {
    check_clock(memory, thread, id, address)?;
    adjust(memory, clock, boot, address, |clock, time_ns| set(clock, boot, time_ns).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::{Errno, Refusal};
    use crate::testing::FakeMemory;

    #[test]
    fn asked_and_moved() {
        let (mut memory, mut clock) = (FakeMemory::new(256), Clock::new());
        let (boot, mut thread) = (BootInfo { start_time_ns: 5_000_000_000, ..BootInfo::default() }, Thread::first());
        let at = memory.address(0);
        for (id, modes, seconds, part, expected, time_ns) in [
            (0, 0u32, 0i64, 0i64, Ok(5), 5_000_000_000u64),
            (0, 0x100, -2, 500_000, Ok(5), 3_500_000_000),
            (0, 0x2100, 0, 7, Ok(5), 3_500_000_007),
            (0, 0x100, 0, 1_000_000, Err(Errno::EINVAL.into()), 3_500_000_007),
            (0, 0x100, -9, 0, Err(Errno::EINVAL.into()), 3_500_000_007),
            (1, 0, 0, 0, Err(Errno::EOPNOTSUPP.into()), 3_500_000_007),
            (99, 0, 0, 0, Err(Errno::EINVAL.into()), 3_500_000_007),
        ] {
            memory.put(0, &modes.to_le_bytes());
            memory.put(72, &[seconds, part].map(i64::to_le_bytes).concat());
            let result = clock_adjtime(&mut memory, &mut clock, &boot, &mut thread, id, at);
            assert_eq!((result, clock.realtime_ns(&boot)), (expected, time_ns), "{id} {modes:x}");
        }
        memory.put(0, &2u32.to_le_bytes());
        let result = clock_adjtime(&mut memory, &mut clock, &boot, &mut thread, 0, at);
        assert!(matches!(result, Err(Refusal::Unsupported(_))));
    }
}
