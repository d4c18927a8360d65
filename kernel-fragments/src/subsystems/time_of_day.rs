//! By how much the time of day was set (`clock_settime(2)`, `settimeofday(2)`, `clock_adjtime(2)`): only CLOCK_REALTIME and what
//! goes by it know of that.
//!
//! Kernels without these calls have `no_time_of_day.rs` in place of this file.

use crate::abi::capability::CAP_SYS_TIME;
use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::subsystems::clock::Clock;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::descriptors::Descriptors;
use alloc::rc::Rc;
use alloc::vec::Vec;

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

/// Sets the time of day to `time_ns` after the Unix epoch. Timers of `timerfd_create` that wait for an absolute time of day are
/// moved with it, or canceled.
///
/// # Errors
/// EINVAL: too late, or earlier than the time since boot. EPERM.
pub fn set(clock: &mut Clock, descriptors: &mut Descriptors, boot: &BootInfo, time_ns: u64) -> Result<(), Errno> {
    check(Some(time_ns))?;
    if time_ns < clock.now_ns() {
        return Err(Errno::EINVAL);
    }
    let moved_ns = time_ns.wrapping_sub(clock.realtime_ns(boot)).cast_signed();
    clock.time_of_day.shift_ns = clock.time_of_day.shift_ns.wrapping_add(moved_ns);
    // Each file once, however many descriptors name it.
    let mut files: Vec<_> = descriptors.iter().map(|(_, descriptor)| &descriptor.file).collect();
    files.sort_unstable_by_key(|file| Rc::as_ptr(file));
    files.dedup_by(|file, before| Rc::ptr_eq(file, before));
    for open in files {
        // What was due by now stays so.
        open.file.pass_time(clock.now_ns());
        open.file.clock_was_set(moved_ns);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::abi::pollfd::POLLIN;
    use crate::subsystems::clock::ClockKind;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::timer_file::{OnSet, TimerFile};
    use crate::thread::Thread;
    use alloc::boxed::Box;

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

    #[test]
    fn timers_move_once_and_keep_what_was_due() {
        let (mut clock, mut descriptors) = (Clock::new(), Descriptors::new());
        let boot = BootInfo { start_time_ns: 5 * SECOND_NS, ..BootInfo::default() };
        let mut timer = |due_ns| {
            let timer = TimerFile::new(0);
            timer.arm(Some(due_ns), 0, Some(OnSet::Moves));
            let file = OpenFile::new(Box::new(timer), O_RDWR);
            for _ in 0..2 {
                descriptors.insert(file.clone(), false, 0).expect("there is room");
            }
            file
        };
        let (due, later) = (timer(SECOND_NS), timer(9 * SECOND_NS));
        clock.idle_until(2 * SECOND_NS);
        let time_ns = clock.realtime_ns(&boot) - 3 * SECOND_NS;
        assert_eq!(set(&mut clock, &mut descriptors, &boot, time_ns), Ok(()));
        let next_ns = later.file.next_change_ns().expect("it is not due");
        assert_eq!((next_ns / SECOND_NS, due.file.ready()), (12, POLLIN));
    }
}
