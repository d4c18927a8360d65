//! The deterministic clock. Time is no input: it starts at the committed time, every reading of a clock and every change
//! of thread takes one microsecond, and sleeping moves it on. So loops that wait for a time end, and every run sees the
//! same times.

use crate::abi::timespec::{
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_TAI, CLOCK_THREAD_CPUTIME_ID, LATEST_NS, SECOND_NS,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::file_time::note_time;
use crate::subsystems::time_of_day::TimeOfDay;
use crate::thread::{PROCESS_ID, Thread};

/// What one reading, or one change of thread, takes.
const STEP_NS: u64 = 1000;

/// What a clock id stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockKind {
    /// Nanoseconds since the Unix epoch.
    Realtime,
    /// Nanoseconds since boot.
    Monotonic,
    /// Nanoseconds that the process did not sleep.
    ProcessCpu,
    /// The same of the calling thread.
    ThreadCpu,
}

/// The clock.
#[derive(Debug)]
pub struct Clock {
    /// Nanoseconds since boot.
    now_ns: u64,
    /// Nanoseconds of these in which every thread slept.
    idle_ns: u64,
    /// When the running thread began to run, put off by what everybody slept since.
    turn_start_ns: u64,
    /// Seconds since boot at the last reading of the monotonic clock, and the same in nanoseconds: while the second lasts,
    /// nothing needs to be divided.
    second: u64,
    second_start_ns: u64,
    second_end_ns: u64,
    /// By how much the time of day was set.
    pub time_of_day: TimeOfDay,
}

impl ClockKind {
    /// The clock with id `id`, for `thread`.
    ///
    /// # Errors
    /// EINVAL if there is none. Unsupported: the CPU time of another thread.
    pub fn of(id: i32, thread: &Thread) -> Result<ClockKind, Refusal> {
        ClockKind::for_thread(id, thread.tid)
    }

    /// The clock with id `id`, where there is one thread only, whose CPU time is that of the process.
    ///
    /// # Errors
    /// EINVAL if there is none.
    pub fn of_only_thread(id: i32) -> Result<ClockKind, Errno> {
        match ClockKind::for_thread(id, PROCESS_ID) {
            Ok(ClockKind::ThreadCpu) => Ok(ClockKind::ProcessCpu),
            Ok(kind) => Ok(kind),
            Err(_) => Err(Errno::EINVAL),
        }
    }

    /// Whether who waits by the clock with id `id`, which is of this kind, goes by the time of day when that is set: who waits for a
    /// time, and who waits for a while by CLOCK_TAI (kernel/time/hrtimer.c: CLOCK_REALTIME's whiles are CLOCK_MONOTONIC's).
    pub fn moves(self, id: i32, is_absolute: bool) -> bool {
        self == ClockKind::Realtime && (is_absolute || id == CLOCK_TAI)
    }

    fn for_thread(id: i32, caller: u32) -> Result<ClockKind, Refusal> {
        match id {
            CLOCK_REALTIME | CLOCK_REALTIME_COARSE | CLOCK_TAI => Ok(ClockKind::Realtime),
            CLOCK_MONOTONIC | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_BOOTTIME => Ok(ClockKind::Monotonic),
            CLOCK_PROCESS_CPUTIME_ID => Ok(ClockKind::ProcessCpu),
            CLOCK_THREAD_CPUTIME_ID => Ok(ClockKind::ThreadCpu),
            // include/linux/posix-timers.h: ~id in the upper bits, per thread in bit 2, which of the CPU clocks below.
            ..0 if id & 3 != 3 => match (!(id >> 3) as u32, id & 4 != 0) {
                (0 | PROCESS_ID, false) => Ok(ClockKind::ProcessCpu),
                (_, false) => Err(Errno::EINVAL.into()),
                (tid, true) if tid == 0 || tid == caller => Ok(ClockKind::ThreadCpu),
                (_, true) => Err(Refusal::Unsupported("the CPU clock of another thread")),
            },
            _ => Err(Errno::EINVAL.into()),
        }
    }
}

impl Clock {
    /// The clock at boot.
    pub const fn new() -> Clock {
        Clock {
            now_ns: 0,
            idle_ns: 0,
            turn_start_ns: 0,
            second: 0,
            second_start_ns: 0,
            second_end_ns: SECOND_NS,
            time_of_day: TimeOfDay::new(),
        }
    }

    /// Nanoseconds since boot, without taking time.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The time of day, in nanoseconds since the Unix epoch, without taking time.
    #[inline(always)]
    pub fn realtime_ns(&self, boot: &BootInfo) -> u64 {
        boot.start_time_ns.saturating_add(self.now_ns).saturating_add_signed(self.time_of_day.shift_ns())
    }

    /// Tells files what time of day it is.
    #[inline(always)]
    fn note(&self) {
        note_time(self.now_ns.wrapping_add_signed(self.time_of_day.shift_ns()));
    }

    /// Takes the time of one reading or one change of thread.
    pub fn step(&mut self) {
        self.now_ns += STEP_NS;
    }

    /// Reads the clock `kind` for `thread`.
    pub fn read_ns(&mut self, boot: &BootInfo, thread: &Thread, kind: ClockKind) -> u64 {
        self.step();
        self.note();
        match kind {
            ClockKind::Realtime => self.realtime_ns(boot),
            ClockKind::Monotonic => self.now_ns,
            ClockKind::ProcessCpu => self.cpu_ns(),
            ClockKind::ThreadCpu => thread.cpu_ns + (self.now_ns - self.turn_start_ns),
        }
    }

    /// As [`read_ns`](Self::read_ns) where there is one thread only.
    pub fn read_for_only_thread_ns(&mut self, boot: &BootInfo, kind: ClockKind) -> u64 {
        self.step();
        self.note();
        match kind {
            ClockKind::Realtime => self.realtime_ns(boot),
            ClockKind::Monotonic => self.now_ns,
            ClockKind::ProcessCpu | ClockKind::ThreadCpu => self.cpu_ns(),
        }
    }

    /// Reads the monotonic clock: seconds and nanoseconds.
    pub fn read_monotonic(&mut self) -> [u64; 2] {
        self.step();
        self.second = self.now_ns / SECOND_NS;
        self.second_start_ns = self.second * SECOND_NS;
        self.second_end_ns = self.second_start_ns + SECOND_NS;
        self.note();
        [self.second, self.now_ns - self.second_start_ns]
    }

    /// What [`read_monotonic`](Self::read_monotonic) would give, behind when that is, if it is in the second of the last
    /// reading. Takes no time.
    #[inline(always)]
    pub fn next_monotonic(&self) -> Option<(u64, [u64; 2])> {
        let next_ns = self.next_step_ns();
        (next_ns < self.second_end_ns).then_some((next_ns, [self.second, next_ns.wrapping_sub(self.second_start_ns)]))
    }

    /// It is `now_ns`, as [`next_monotonic`](Self::next_monotonic) said.
    #[inline(always)]
    pub fn step_to(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
    }

    /// When `time_ns` of clock `kind` is, in nanoseconds since boot: times of day before boot are at boot.
    pub fn since_boot_ns(&self, boot: &BootInfo, kind: ClockKind, time_ns: u64) -> u64 {
        if kind == ClockKind::Realtime {
            time_ns.saturating_add_signed(-self.time_of_day.shift_ns()).saturating_sub(boot.start_time_ns)
        } else {
            time_ns
        }
    }

    /// When `time_ns` of clock `kind` is or was, in nanoseconds since boot: times of day may be long before.
    pub fn around_boot_ns(&self, boot: &BootInfo, kind: ClockKind, time_ns: u64) -> i64 {
        let time_ns = time_ns.min(LATEST_NS).cast_signed();
        if kind != ClockKind::Realtime {
            return time_ns;
        }
        time_ns.saturating_sub(self.time_of_day.shift_ns()).saturating_sub_unsigned(boot.start_time_ns)
    }

    /// The time `delay_ns` from now, in nanoseconds since boot.
    pub fn after_ns(&self, delay_ns: u64) -> u64 {
        self.now_ns.saturating_add(delay_ns).min(LATEST_NS)
    }

    /// `thread` is about to wait until `ends_ns` after boot, which is when a time of day comes if it `is_day`: the wait ends earlier or later
    /// if the time of day is set.
    #[inline(always)]
    pub fn note_wait(&mut self, thread: &Thread, ends_ns: Option<u64>, is_day: bool) {
        self.time_of_day.note_wait(thread.tid, ends_ns, is_day, self.now_ns);
    }

    /// Nobody runs until `deadline_ns` after boot.
    pub fn idle_until(&mut self, deadline_ns: u64) {
        let idle_ns = deadline_ns.saturating_sub(self.now_ns);
        self.now_ns += idle_ns;
        self.idle_ns += idle_ns;
        self.turn_start_ns += idle_ns;
        self.note();
    }

    /// When the next reading or change of thread is, in nanoseconds since boot.
    pub fn next_step_ns(&self) -> u64 {
        self.now_ns + STEP_NS
    }

    /// Takes the time of a change of thread. `thread` stops running: what it ran is its own.
    pub fn end_turn(&mut self, thread: &mut Thread) {
        self.step();
        thread.cpu_ns += self.now_ns - self.turn_start_ns;
        self.turn_start_ns = self.now_ns;
    }

    fn cpu_ns(&self) -> u64 {
        self.now_ns - self.idle_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_by_reading_and_sleeping() {
        let (mut clock, mut thread) = (Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 50, ..BootInfo::default() };
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Monotonic), 1000);
        clock.idle_until(9000);
        clock.idle_until(5000);
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::Realtime), 10_050);
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::ProcessCpu), 3000);
        clock.end_turn(&mut thread);
        let mut other = Thread::first();
        assert_eq!(clock.read_ns(&boot, &other, ClockKind::ThreadCpu), 1000);
        clock.end_turn(&mut other);
        assert_eq!((thread.cpu_ns, other.cpu_ns), (4000, 2000));
        assert_eq!(clock.read_ns(&boot, &thread, ClockKind::ThreadCpu), 5000);
    }

    #[test]
    fn the_monotonic_clock_in_seconds() {
        let (mut clock, thread) = (Clock::new(), Thread::first());
        for deadline_ns in [0, SECOND_NS - 2000, SECOND_NS, 7 * SECOND_NS - 1, 7 * SECOND_NS, LATEST_NS] {
            clock.idle_until(deadline_ns);
            let [seconds, part] = clock.read_monotonic();
            assert!(part < SECOND_NS);
            assert_eq!(seconds * SECOND_NS + part, clock.now_ns(), "after {deadline_ns}");
        }
        let last = clock.now_ns();
        assert_eq!(clock.read_ns(&BootInfo::default(), &thread, ClockKind::Monotonic), last + STEP_NS);
    }

    #[test]
    fn ids() {
        let thread = Thread::first();
        let own = !(PROCESS_ID as i32) << 3;
        for (id, kind) in [
            (0, ClockKind::Realtime),
            (7, ClockKind::Monotonic),
            (11, ClockKind::Realtime),
            (own | 2, ClockKind::ProcessCpu),
            (own | 6, ClockKind::ThreadCpu),
            (-2, ClockKind::ThreadCpu),
            (-6, ClockKind::ProcessCpu),
        ] {
            assert_eq!(ClockKind::of(id, &thread), Ok(kind), "{id}");
        }
        assert_eq!(ClockKind::of_only_thread(own | 6), Ok(ClockKind::ProcessCpu));
        assert!(matches!(ClockKind::of((own - 8) | 6, &thread), Err(Refusal::Unsupported(_))));
        assert_eq!(ClockKind::of_only_thread((own - 8) | 6), Err(Errno::EINVAL), "there is no such thread");
        for id in [8, 9, 10, 12, i32::MAX, -1, own - 8 + 2] {
            assert_eq!(ClockKind::of(id, &thread), Err(Errno::EINVAL.into()), "{id}");
            assert_eq!(ClockKind::of_only_thread(id), Err(Errno::EINVAL), "{id}");
        }
    }
}
