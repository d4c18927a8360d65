//! The timer behind `timerfd_create(2)`: a file that can be read once its time has come, and says how often it came.

use crate::abi::itimerspec::next_after;
use crate::abi::pollfd::POLLIN;
use crate::abi::stat::{ANONYMOUS_DEVICE, Stat};
use crate::abi::timespec::LATEST_NS;
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::{File, OpenFile, READS};
use core::any::Any;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// A timer to read.
pub struct TimerFile {
    /// The clock that it was made for.
    pub clock: i32,
    /// When it is due, or was, in nanoseconds since boot: before boot, too, where the time of day was set.
    due_ns: Cell<Option<i64>>,
    interval_ns: Cell<u64>,
    phase: Cell<Phase>,
    /// How often it was due since it was read or set, as far as that was counted.
    expirations: Cell<u64>,
    activity: Cell<u64>,
    /// How often those were woken who wait for its time; who sets it or the time of day lets them look again, and wakes nobody.
    edges: Cell<u64>,
    /// It waits for an absolute time of day, and what is to happen when that is set.
    goes_by_day: Cell<Option<OnSet>>,
    /// Whether that is still to be told (fs/timerfd.c, timerfd_canceled).
    is_canceled: Cell<bool>,
}

/// What a timer waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// To be set.
    Idle,
    /// Its time.
    Armed,
    /// Its time came: how often it came is counted when somebody asks, and only then it is armed again. It is this time now.
    Due(i64),
}

/// What becomes of a timer when the time of day is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnSet {
    /// It is due when its time of day is.
    Moves,
    /// The same, and who reads or sets it is told (TFD_TIMER_CANCEL_ON_SET).
    Cancels,
}

impl TimerFile {
    /// A timer that is not armed.
    pub fn new(clock: i32) -> TimerFile {
        TimerFile {
            clock,
            due_ns: Cell::new(None),
            interval_ns: Cell::new(0),
            phase: Cell::new(Phase::Idle),
            expirations: Cell::new(0),
            activity: Cell::new(0),
            edges: Cell::new(0),
            goes_by_day: Cell::new(None),
            is_canceled: Cell::new(false),
        }
    }

    /// Has it be due at `due_ns` after boot and every `interval_ns` from then on (0: not again).
    pub fn arm(&self, due_ns: Option<i64>, interval_ns: u64, goes_by_day: Option<OnSet>) {
        self.due_ns.set(due_ns);
        self.phase.set(if due_ns.is_some() { Phase::Armed } else { Phase::Idle });
        self.interval_ns.set(interval_ns);
        self.goes_by_day.set(goes_by_day);
        self.expirations.set(0);
        self.activity.set(self.activity.get() + 1);
    }

    /// Whether the time of day was set since somebody was told, who is from now on.
    pub fn take_canceled(&self) -> bool {
        self.goes_by_day.get() == Some(OnSet::Cancels) && self.is_canceled.take()
    }

    /// What remains until it is due, and its interval; both 0 if it is not armed. It is up to date, and counts.
    pub fn remaining_ns(&self, now_ns: u64) -> (u64, u64) {
        self.count();
        let left_ns = |due_ns: i64| due_ns.saturating_sub_unsigned(now_ns).max(0).cast_unsigned();
        (self.due_ns.get().map_or(0, left_ns), self.interval_ns.get())
    }

    /// If its time came, and comes again, counts how often it came, and arms it again (fs/timerfd.c). That is once less, if it comes only
    /// now, because the time of day was set back.
    fn count(&self) {
        let interval_ns = self.interval_ns.get();
        if let (Phase::Due(now_ns), Some(due_ns), 1..) = (self.phase.get(), self.due_ns.get(), interval_ns) {
            let (due_ns, count) = next_after(due_ns, interval_ns, now_ns);
            self.due_ns.set(Some(due_ns));
            self.phase.set(Phase::Armed);
            self.expirations.set(self.expirations.get().saturating_add_signed(count - 1));
        }
    }
}

impl File for TimerFile {
    fn operations(&self) -> u32 {
        READS
    }

    fn takes(&self, _operation: u32, len_bytes: usize) -> bool {
        len_bytes >= 8
    }

    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        let place = into.first_chunk_mut::<8>().ok_or(Errno::EINVAL)?;
        if self.take_canceled() {
            self.expirations.set(0);
            self.phase.set(if matches!(self.phase.get(), Phase::Due(_)) { Phase::Idle } else { self.phase.get() });
            return Err(Errno::ECANCELED.into());
        }
        self.count();
        if self.expirations.get() == 0 {
            return Err(Errno::EAGAIN.into());
        }
        *place = self.expirations.take().to_le_bytes();
        Ok(8)
    }

    fn stat(&self) -> Stat {
        Stat { device: ANONYMOUS_DEVICE, inode: 1, mode: 0o600, links: 1, ..Stat::default() }
    }

    fn kind_name(&self) -> &'static str {
        "timerfd"
    }

    fn ready(&self) -> u16 {
        if self.expirations.get() > 0 { POLLIN } else { 0 }
    }

    fn activity(&self) -> u64 {
        self.activity.get()
    }

    fn edges(&self) -> [u64; 2] {
        [self.edges.get(); 2]
    }

    fn pass_time(&self, now_ns: u64) {
        let now_ns = now_ns.min(LATEST_NS).cast_signed();
        match self.phase.get() {
            Phase::Armed if self.due_ns.get().is_some_and(|due_ns| due_ns <= now_ns) => {
                self.expirations.set(self.expirations.get() + 1);
                self.activity.set(self.activity.get() + 1);
                self.edges.set(self.edges.get() + 1);
                self.phase.set(Phase::Due(now_ns));
            }
            Phase::Due(_) => self.phase.set(Phase::Due(now_ns)),
            Phase::Idle | Phase::Armed => {}
        }
    }

    fn next_change_ns(&self) -> Option<u64> {
        let due_ns = self.due_ns.get().filter(|_| self.phase.get() == Phase::Armed)?;
        Some(due_ns.max(0).cast_unsigned())
    }

    fn clock_was_set(&self, moved_ns: i64) {
        let Some(goes_by_day) = self.goes_by_day.get() else { return };
        self.due_ns.set(self.due_ns.get().map(|due_ns| due_ns.saturating_sub(moved_ns)));
        if goes_by_day != OnSet::Moves {
            self.is_canceled.set(true);
            self.expirations.set(self.expirations.get() + 1);
            self.edges.set(self.edges.get() + 1);
        }
        self.activity.set(self.activity.get() + 1);
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The timer behind an open file, if it is one; EINVAL.
pub fn timer_of(file: &OpenFile) -> Result<&TimerFile, Errno> {
    file.file.as_any().and_then(|file| file.downcast_ref()).ok_or(Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakePlatform;

    #[test]
    fn counts_how_often_it_was_due() {
        let timer = TimerFile::new(1);
        let read = |len_bytes: usize| {
            let mut into = [0; 9];
            timer.read(&mut FakePlatform::new(), 0, &mut into[..len_bytes]).map(|_| into[0])
        };
        timer.arm(Some(100), 50, None);
        timer.pass_time(99);
        assert_eq!((timer.ready(), read(8), read(7)), (0, Err(Errno::EAGAIN.into()), Err(Errno::EINVAL.into())));
        timer.pass_time(210);
        assert_eq!((timer.ready(), timer.next_change_ns(), timer.remaining_ns(210)), (POLLIN, None, (40, 50)));
        assert_eq!(timer.next_change_ns(), Some(250), "who asks what remains arms it again");
        assert_eq!((read(9), read(8)), (Ok(3), Err(Errno::EAGAIN.into())));
        timer.arm(Some(300), 0, None);
        timer.pass_time(1000);
        assert_eq!((read(8), timer.next_change_ns()), (Ok(1), None));
        for goes_by_day in [None, Some(OnSet::Moves), Some(OnSet::Cancels)] {
            timer.arm(Some(5000), 0, goes_by_day);
            timer.clock_was_set(1000);
            assert_eq!(timer.next_change_ns(), Some(if goes_by_day.is_none() { 5000 } else { 4000 }));
        }
        assert_eq!((timer.ready(), read(8), read(8)), {
            (POLLIN, Err(Errno::ECANCELED.into()), Err(Errno::EAGAIN.into()))
        });
    }
    /// Who waits looks again whenever it is set or the time of day is; only its time, and that it is canceled, is news.
    #[test]
    fn setting_the_time_of_day_is_no_edge() {
        for (on_set, expected) in [(OnSet::Moves, [1, 0, 1]), (OnSet::Cancels, [1, 1, 1])] {
            let timer = TimerFile::new(0);
            timer.arm(Some(100), 50, Some(on_set));
            let mut before = 0;
            let mut step = |act: &dyn Fn(&TimerFile)| {
                let active = timer.activity();
                act(&timer);
                assert!(timer.activity() > active);
                let edges = timer.edges()[0];
                edges - core::mem::replace(&mut before, edges)
            };
            let news = [
                step(&|timer| timer.pass_time(100)),
                step(&|timer| timer.clock_was_set(1000)),
                step(&|timer| {
                    timer.arm(Some(200), 0, Some(on_set));
                    timer.pass_time(200);
                }),
            ];
            assert_eq!(news, expected, "{on_set:?}");
        }
    }
}
