//! By how much the time of day was set (`clock_settime(2)`, `settimeofday(2)`, `clock_adjtime(2)`): only CLOCK_REALTIME and what
//! goes by it know of that; and which threads wait for a time of day.
//!
//! Kernels without these calls have `no_time_of_day.rs` in place of this file.

use crate::abi::capability::CAP_SYS_TIME;
use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::subsystems::clock::Clock;
use crate::subsystems::credentials::caller_has;
use alloc::vec::Vec;

/// Later seconds cannot be set (include/linux/time64.h, TIME_SETTOD_SEC_MAX).
const SECONDS_END: u64 = 9_223_372_036 - 30 * 365 * 24 * 3600;

/// How far the time of day is from what it would be had nobody set it.
#[derive(Debug)]
pub struct TimeOfDay {
    shift_ns: i64,
    waits: Vec<DayWait>,
}

/// A thread that waits for a time of day, or did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DayWait {
    /// Its id.
    pub tid: u32,
    /// When that is, in nanoseconds since boot.
    pub ends_ns: u64,
}

impl TimeOfDay {
    /// Nobody set it.
    pub const fn new() -> TimeOfDay {
        TimeOfDay { shift_ns: 0, waits: Vec::new() }
    }

    /// Nanoseconds to add.
    pub fn shift_ns(&self) -> i64 {
        self.shift_ns
    }

    /// It is `now_ns` after boot, and thread `tid` is to wait until `ends_ns`, which is a time of day if it `is_day`.
    pub fn note_wait(&mut self, tid: u32, ends_ns: Option<u64>, is_day: bool, now_ns: u64) {
        let Some(ends_ns) = ends_ns else { return };
        self.waits.retain(|wait| wait.tid != tid && wait.ends_ns > now_ns);
        if is_day {
            self.waits.push(DayWait { tid, ends_ns });
        }
    }

    /// Threads that may wait for a time of day: those that still wait until then do.
    pub fn waits_mut(&mut self) -> &mut [DayWait] {
        &mut self.waits
    }
}

/// Whether the caller may set the time of day, to that if there is one (kernel/time/time.c, do_sys_settimeofday64).
///
/// # Errors
/// EINVAL: too late. EPERM.
pub fn check(time_ns: Option<u64>) -> Result<(), Errno> {
    if time_ns.is_some_and(|time_ns| time_ns / SECOND_NS >= SECONDS_END) {
        return Err(Errno::EINVAL);
    }
    if caller_has(CAP_SYS_TIME) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Sets the time of day to `time_ns` after the Unix epoch; returns by how much it moved.
///
/// # Errors
/// EINVAL: too late, or earlier than the time since boot. EPERM.
pub fn set(clock: &mut Clock, boot: &BootInfo, time_ns: u64) -> Result<i64, Errno> {
    check(Some(time_ns))?;
    if time_ns < clock.now_ns() {
        return Err(Errno::EINVAL);
    }
    let moved_ns = time_ns.wrapping_sub(clock.realtime_ns(boot)).cast_signed();
    clock.time_of_day.shift_ns = clock.time_of_day.shift_ns.wrapping_add(moved_ns);
    Ok(moved_ns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::clock::ClockKind;
    use crate::thread::Thread;

    #[test]
    fn only_the_time_of_day_moves() {
        let (mut clock, thread) = (Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 5 * SECOND_NS, ..BootInfo::default() };
        clock.idle_until(2 * SECOND_NS);
        for (time_ns, answer) in [
            (100 * SECOND_NS, Ok(93_000_000_000)),
            (3 * SECOND_NS, Ok(-97_000_000_000)),
            (SECOND_NS, Err(Errno::EINVAL)),
            (SECONDS_END * SECOND_NS, Err(Errno::EINVAL)),
        ] {
            assert_eq!(set(&mut clock, &boot, time_ns), answer);
        }
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Realtime), 3 * SECOND_NS + 1000);
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Monotonic), 2 * SECOND_NS + 2000);
        assert_eq!(clock.since_boot_ns(&boot, ClockKind::Realtime, 4 * SECOND_NS), 3 * SECOND_NS);
    }

    #[test]
    fn a_thread_waits_once() {
        let mut time_of_day = TimeOfDay::new();
        for (tid, ends_ns, is_day, now_ns, left) in [
            (2, Some(500), true, 0, 1),
            (3, Some(600), true, 0, 2),
            (3, None, true, 0, 2),
            (2, Some(500), false, 0, 1),
            (4, Some(900), true, 600, 1),
        ] {
            time_of_day.note_wait(tid, ends_ns, is_day, now_ns);
            assert_eq!(time_of_day.waits_mut().len(), left, "{tid} {now_ns}");
        }
        assert_eq!(time_of_day.waits_mut(), [DayWait { tid: 4, ends_ns: 900 }]);
    }
}
