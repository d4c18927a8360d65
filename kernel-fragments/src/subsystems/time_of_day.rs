//! By how much the time of day was set (`clock_settime(2)`, `settimeofday(2)`, `clock_adjtime(2)`): only CLOCK_REALTIME and what
//! goes by it know of that.
//!
//! Kernels without these calls have `no_time_of_day.rs` in place of this file.

use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;

/// Later seconds cannot be set (include/linux/time64.h, TIME_SETTOD_SEC_MAX).
const SECONDS_END: u64 = 9_223_372_036 - 30 * 365 * 24 * 3600;

/// How far the time of day is from what it would be had nobody set it.
#[derive(Debug)]
pub struct TimeOfDay {
    shift_ns: i64,
}

impl TimeOfDay {
    /// Nobody set it.
    pub const fn new() -> TimeOfDay {
        TimeOfDay { shift_ns: 0 }
    }

    /// Nanoseconds to add.
    pub fn shift_ns(&self) -> i64 {
        self.shift_ns
    }
}

/// Sets the time of day to `time_ns` after the Unix epoch. Timers of `timerfd_create` that wait for an absolute time of day are
/// moved with it, or canceled.
///
/// # Errors
/// EINVAL: too late, or earlier than the time since boot.
pub fn set(clock: &mut Clock, descriptors: &mut Descriptors, boot: &BootInfo, time_ns: u64) -> Result<(), Errno> {
    if time_ns / SECOND_NS >= SECONDS_END || time_ns < clock.now_ns() {
        return Err(Errno::EINVAL);
    }
    let moved_ns = time_ns.wrapping_sub(clock.realtime_ns(boot)).cast_signed();
    clock.time_of_day.shift_ns = clock.time_of_day.shift_ns.wrapping_add(moved_ns);
    for (_, descriptor) in descriptors.iter() {
        descriptor.file.file.clock_was_set(moved_ns);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::clock::ClockKind;
    use crate::thread::Thread;

    #[test]
    fn only_the_time_of_day_moves() {
        let (mut clock, mut descriptors, thread) = (Clock::new(), Descriptors::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 5 * SECOND_NS, ..BootInfo::default() };
        clock.idle_until(2 * SECOND_NS);
        for (time_ns, answer) in [
            (100 * SECOND_NS, Ok(())),
            (3 * SECOND_NS, Ok(())),
            (SECOND_NS, Err(Errno::EINVAL)),
            (SECONDS_END * SECOND_NS, Err(Errno::EINVAL)),
        ] {
            assert_eq!(set(&mut clock, &mut descriptors, &boot, time_ns), answer);
        }
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Realtime), 3 * SECOND_NS + 1000);
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Monotonic), 2 * SECOND_NS + 2000);
        assert_eq!(clock.since_boot_ns(&boot, ClockKind::Realtime, 4 * SECOND_NS), 3 * SECOND_NS);
    }
}
