//! One timer that sends signals, as Linux keeps it (kernel/time/posix-timers.c): while its signal is pending, the timer is not armed, and
//! how often it was due meanwhile is counted when somebody takes the signal. Nobody tells of that: a timer looks whenever it would have been
//! due, and when the time of day is set.

use crate::abi::itimerspec::next_after;
use crate::abi::signal_info::{SI_TIMER, SignalInfo};
use crate::abi::timespec::LATEST_NS;
use crate::subsystems::signals::Signals;

/// The timer of `setitimer(ITIMER_REAL)`; those of `timer_create` count from 0.
pub const REAL_TIMER: i32 = -1;

/// More overruns are not told (DELAYTIMER_MAX).
const MOST_OVERRUNS: i64 = i32::MAX as i64;

/// A timer whose signal is ignored is not due again sooner (kernel/time/posix-timers.c, posix_timer_fn: TICK_NSEC).
const TICK_NS: u64 = 4_000_000;

/// Whom a timer tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Nobody (SIGEV_NONE).
    Nobody,
    /// The process, by a signal.
    Process(u32),
    /// A thread, by a signal.
    Thread(u32, u32),
}

/// One timer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer {
    /// Its id.
    pub id: i32,
    /// The clock that it was made for.
    pub clock: i32,
    /// Whom it tells.
    pub notice: Notice,
    /// What it has to say: `si_code`, and the value.
    pub info: SignalInfo,
    /// When it is due, in nanoseconds since boot: before boot, too, where the time of day was set. While its signal is pending, when that
    /// was sent for.
    pub due_ns: Option<i64>,
    /// And again how long after that; 0 for never.
    pub interval_ns: u64,
    /// Its signal was sent, and when it was seen last that nobody had taken it: only when somebody does, it is known when it is due again.
    pub pending_ns: Option<i64>,
    /// How often it was due since its signal was taken, but for the time that it was sent for (`it_overrun`).
    pub overruns: i64,
    /// The same of the signal that was taken last (`it_overrun_last`).
    pub overruns_told: i64,
    /// How often it was due, set anew, while a signal that it had sent before was still pending.
    pub sent_again: i64,
    /// Whether it waits for a time of day, whenever that is set.
    pub goes_by_day: bool,
    /// Whether it was due before the time of day was set.
    pub was_due: bool,
}

impl Timer {
    /// A timer that is not armed.
    pub fn new(id: i32, clock: i32, notice: Notice, info: SignalInfo) -> Timer {
        Timer {
            id,
            clock,
            notice,
            info,
            due_ns: None,
            interval_ns: 0,
            pending_ns: None,
            overruns: -1,
            overruns_told: 0,
            sent_again: 0,
            goes_by_day: false,
            was_due: false,
        }
    }

    /// What remains until it is due, at least 1 if it is armed and tells somebody, and its interval; both 0 if it is not armed
    /// (kernel/time/posix-timers.c, common_timer_get).
    pub fn remaining_ns(&mut self, signals: &mut Signals, now_ns: u64) -> (u64, u64) {
        let now_ns = now_ns.min(LATEST_NS).cast_signed();
        self.look(signals, now_ns);
        let is_pending = self.pending_ns.is_some();
        if self.interval_ns > 0 && (is_pending || self.notice == Notice::Nobody) {
            self.overruns = self.overruns.saturating_add(self.forward(now_ns));
        }
        let Some(due_ns) = self.due_ns else { return (0, self.interval_ns) };
        let least_ns = u64::from(self.notice != Notice::Nobody);
        let left_ns = if due_ns > now_ns { due_ns.abs_diff(now_ns) } else { least_ns };
        // The one of `setitimer` shows that it waits for its signal to be taken (kernel/time/itimer.c, itimer_get_remtime).
        (if is_pending && self.id == REAL_TIMER { 0 } else { left_ns }, self.interval_ns)
    }

    /// How often it was due too early to be told, before the signal that was taken last: -1 if that was before it was due, because the
    /// time of day was set back.
    pub fn overruns(&mut self, signals: &mut Signals) -> i32 {
        self.look(signals, 0);
        self.overruns_told.min(MOST_OVERRUNS) as i32
    }

    /// Its signal that nobody took yet.
    pub fn pending<'a>(&self, signals: &'a mut Signals) -> Option<&'a mut SignalInfo> {
        match self.notice {
            Notice::Nobody => None,
            Notice::Process(signal) => signals.queued(0, signal, self.info),
            Notice::Thread(tid, signal) => signals.queued(tid, signal, self.info),
        }
    }

    /// When it has something to say or to count next.
    pub fn next_ns(&self) -> Option<i64> {
        if self.was_due {
            return Some(i64::MIN);
        }
        let due_ns = self.due_ns.filter(|_| self.notice != Notice::Nobody)?;
        let next_ns = self.pending_ns.map_or(due_ns, |seen_ns| next_after(due_ns, self.interval_ns, seen_ns).0);
        (next_ns < i64::MAX).then_some(next_ns)
    }

    /// Moves on to the first time after `now_ns`; returns over how many.
    fn forward(&mut self, now_ns: i64) -> i64 {
        let Some(due_ns) = self.due_ns else { return 0 };
        let (due_ns, count) = next_after(due_ns, self.interval_ns, now_ns);
        self.due_ns = Some(due_ns);
        count
    }

    /// It is `now_ns`: arms it again if its signal was taken since somebody looked last (kernel/time/posix-timers.c, posixtimer_rearm). It
    /// was not due in between.
    pub fn look(&mut self, signals: &mut Signals, now_ns: i64) {
        let Some(seen_ns) = self.pending_ns else { return };
        if self.pending(signals).is_some() {
            self.pending_ns = Some(seen_ns.max(now_ns));
            return self.note_overruns(signals);
        }
        self.pending_ns = None;
        let count = self.forward(seen_ns);
        self.overruns_told = self.overruns.saturating_add(count);
        self.overruns = -1;
    }

    /// Has the pending signal say what `look` will count if it is taken now; nothing of that if the timer does not wait for it.
    pub fn note_overruns(&self, signals: &mut Signals) {
        let overruns = match (self.due_ns, self.pending_ns) {
            (Some(due_ns), Some(seen_ns)) => {
                self.overruns.saturating_add(next_after(due_ns, self.interval_ns, seen_ns).1)
            }
            _ => 0,
        };
        self.tell(signals, overruns.saturating_add(self.sent_again));
    }

    /// Has the pending signal say that there were so many overruns.
    pub fn tell(&self, signals: &mut Signals, overruns: i64) {
        if self.info.code == SI_TIMER
            && let Some(info) = self.pending(signals)
        {
            *info = SignalInfo::of_timer(self.id, overruns.min(MOST_OVERRUNS) as i32, info.words[1]);
        }
    }

    /// Its signal was to be sent at `now_ns`, and is pending if it `is_queued`: the timer waits for it to be taken, or goes on.
    pub fn was_sent(&mut self, is_queued: bool, now_ns: i64) {
        self.was_due = false;
        if self.interval_ns == 0 {
            self.due_ns = None;
        } else if is_queued {
            self.pending_ns = Some(now_ns);
        } else {
            let tick_ns = if self.interval_ns < TICK_NS { TICK_NS } else { 0 };
            let count = self.forward(now_ns.saturating_add_unsigned(tick_ns));
            self.overruns = self.overruns.saturating_add(count);
        }
    }
}

/// What a timer of `timer_create` has to say.
pub fn timer_info(id: i32, value: u64) -> SignalInfo {
    SignalInfo::of_timer(id, 0, value)
}
