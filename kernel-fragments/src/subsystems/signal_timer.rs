//! One timer that sends signals, as Linux keeps it (kernel/time/posix-timers.c): while its signal is pending, the timer is not armed, and
//! how often it was due meanwhile is counted when somebody takes the signal. Nobody tells of that: a timer looks whenever it would have been
//! due, and when the time of day is set. The one of `setitimer` waits for anybody to take any SIGALRM, whatever became of its own
//! (kernel/time/itimer.c, it_real_fn; kernel/signal.c, dequeue_signal).

use crate::abi::itimerspec::next_after;
use crate::abi::signal_info::SignalInfo;
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
    /// Nobody will ever take the signal that it waits for: that was pending and came to be ignored, or there was nobody to send it to.
    pub is_lost: bool,
    /// How many signals SIGALRM had been taken when its signal was sent.
    pub alarms_taken: u32,
    /// Whether it waits for a time of day, whenever that is set.
    pub goes_by_day: bool,
    /// Whether it was due before the time of day was set.
    pub was_due: bool,
    /// The user who made it: its signal has its place in the queue from him.
    pub user: u32,
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
            is_lost: false,
            alarms_taken: 0,
            goes_by_day: false,
            was_due: false,
            user: 0,
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

    /// The first word of what its signal tells that nobody took yet; of the one of `setitimer` nobody can tell.
    pub fn pending<'a>(&self, signals: &'a mut Signals) -> Option<&'a mut u64> {
        signals.queue.lines().of_timer(self.queued_as()?)
    }

    /// What its signals are known by.
    pub fn queued_as(&self) -> Option<i32> {
        (self.id != REAL_TIMER).then_some(self.id)
    }

    /// Whether it has a signal to send when it is due next, as far as nobody takes one that is pending.
    pub fn will_send(&self, signals: &mut Signals) -> bool {
        self.pending(signals).is_none() && (self.pending_ns.is_none() || !self.still_waits(signals))
    }

    /// Whether nobody took the signal that it waits for.
    fn still_waits(&self, signals: &mut Signals) -> bool {
        match self.id {
            _ if self.is_lost => true,
            REAL_TIMER => self.alarms_taken == signals.alarms_taken,
            id => self.pending(signals).is_some() || signals.queue.lines().is_lost(id),
        }
    }

    /// When it has something to say or to count next.
    pub fn next_ns(&self) -> Option<i64> {
        if self.was_due {
            return Some(i64::MIN);
        }
        let due_ns = self.due_ns.filter(|_| self.notice != Notice::Nobody && !self.is_lost)?;
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
        if self.still_waits(signals) {
            self.pending_ns = Some(seen_ns.max(now_ns));
            self.is_lost |= signals.queue.lines().is_lost(self.id);
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
        if let Some(word) = self.pending(signals) {
            *word = SignalInfo::of_timer(self.id, overruns.min(MOST_OVERRUNS) as i32, 0).words[0];
        }
    }

    /// Its signal was sent, and the timer waits for it to be taken; or it `is_ignored`, and so it is whenever it is due until `until_ns`. Where
    /// there was nobody to send it to, the timer stops.
    pub fn was_sent(&mut self, signals: &mut Signals, is_ignored: bool, until_ns: i64) {
        self.was_due = false;
        self.alarms_taken = signals.alarms_taken;
        if self.interval_ns == 0 {
            self.due_ns = None;
        } else if !is_ignored || self.id == REAL_TIMER {
            self.pending_ns = Some(until_ns);
            self.is_lost = !self.still_waits(signals);
        } else {
            let count = if self.interval_ns < TICK_NS { TICK_NS / self.interval_ns + 1 } else { 1 };
            let Some(due_ns) = self.due_ns else { return };
            let (due_ns, times) = next_after(due_ns, self.interval_ns.saturating_mul(count), until_ns);
            self.due_ns = Some(due_ns);
            self.overruns = self.overruns.saturating_add(times.saturating_mul(count.cast_signed()));
        }
    }
}

/// What a timer of `timer_create` has to say.
pub fn timer_info(id: i32, value: u64) -> SignalInfo {
    SignalInfo::of_timer(id, 0, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{Action, SIG_IGN, SIGALRM, set_of};
    use crate::abi::signal_info::SI_KERNEL;
    use crate::outcome::Leave;
    use crate::subsystems::clock::Clock;
    use crate::subsystems::threads::Threads;
    use crate::subsystems::timers::{Timers, serve};
    use crate::testing::FakeMemory;
    use crate::thread::Thread;

    const SECOND: u64 = 1_000_000_000;

    /// A timer that is due every second, and what it tells; its only thread runs while it is served.
    struct Machine {
        memory: FakeMemory,
        clock: Clock,
        threads: Threads,
        signals: Signals,
        timers: Timers,
    }

    impl Machine {
        fn new(id: i32, notice: Notice) -> Machine {
            let (mut timers, mut signals, mut threads) = (Timers::new(), Signals::new(), Threads::new());
            let info = if id == REAL_TIMER { SignalInfo { code: SI_KERNEL, words: [0, 0] } } else { timer_info(id, 0) };
            timers.add(Timer::new(id, 1, notice, info));
            assert_eq!(timers.arm(&mut signals, &mut threads, id, Some(SECOND as i64), SECOND, false), Ok(()));
            Machine { memory: FakeMemory::new(0), clock: Clock::new(), threads, signals, timers }
        }

        /// The time is `halves` half seconds after boot; returns what remains of timer `id`.
        fn serve_at(&mut self, id: i32, halves: u64) -> (u64, u64) {
            self.clock.idle_until(halves * SECOND / 2);
            let Machine { memory, signals, threads, clock, timers, .. } = self;
            assert!(matches!(serve(memory, signals, threads, clock, timers), Ok(Leave::Return(_))));
            self.timers.get(id).expect("it is there").remaining_ns(&mut self.signals, self.clock.now_ns())
        }

        fn act(&mut self, handler: u64) {
            self.signals.set_action(&mut Thread::first(), SIGALRM, Action { handler, flags: 0, mask: 0 });
        }

        fn take(&mut self) -> Option<SignalInfo> {
            self.signals.take(&mut Thread::first(), u64::MAX).map(|taken| taken.info)
        }
    }

    /// The timer of `setitimer` stops when it was due, whatever becomes of its signal, and goes on when any SIGALRM is taken.
    #[test]
    fn any_alarm_sets_off_the_real_timer() {
        let mut machine = Machine::new(REAL_TIMER, Notice::Process(SIGALRM));
        assert_eq!(machine.serve_at(REAL_TIMER, 1), (SECOND / 2, SECOND));
        assert_eq!(machine.serve_at(REAL_TIMER, 3), (0, SECOND));
        machine.act(SIG_IGN);
        assert_eq!(machine.serve_at(REAL_TIMER, 5), (0, SECOND), "its signal is gone, but nobody took it");
        machine.act(0x4000);
        assert_eq!((machine.serve_at(REAL_TIMER, 9), machine.take()), ((0, SECOND), None));
        let mut thread = Thread { signal_mask: u64::MAX, ..Thread::first() };
        assert_eq!(machine.signals.send_to_thread(&mut thread, SIGALRM), Ok(()));
        assert!(machine.signals.take(&mut thread, u64::MAX).is_some());
        assert_eq!(machine.serve_at(REAL_TIMER, 10), (0, SECOND), "that one was sent to a thread");
        assert_eq!(machine.signals.send_to_process(&mut thread, SIGALRM), Ok(()));
        assert_eq!(machine.take(), Some(SignalInfo::sent(false)));
        assert_eq!(machine.serve_at(REAL_TIMER, 11), (SECOND / 2, SECOND));
        assert_eq!(machine.serve_at(REAL_TIMER, 12), (0, SECOND));
        assert_eq!(machine.take().map(|info| info.code), Some(SI_KERNEL));
        assert_eq!(machine.serve_at(REAL_TIMER, 13), (SECOND / 2, SECOND));
    }

    /// One that was pending before is as good as its own.
    #[test]
    fn the_real_timer_goes_by_no_signal_of_its_own() {
        let mut machine = Machine::new(REAL_TIMER, Notice::Process(SIGALRM));
        let mut thread = Thread { signal_mask: set_of(SIGALRM), ..Thread::first() };
        assert_eq!(machine.signals.send_to_process(&mut thread, SIGALRM), Ok(()));
        assert_eq!(machine.serve_at(REAL_TIMER, 5), (0, SECOND));
        assert_eq!((machine.take(), machine.take()), (Some(SignalInfo::sent(false)), None));
        assert_eq!(machine.serve_at(REAL_TIMER, 5), (SECOND / 2, SECOND));
    }
    /// A timer whose pending signal came to be ignored waits for ever that somebody takes it, until it is set anew; what remains of it is
    /// told all the same.
    #[test]
    fn a_timer_whose_signal_came_to_be_ignored_stops() {
        let mut machine = Machine::new(0, Notice::Process(SIGALRM));
        assert_eq!(machine.serve_at(0, 7), (SECOND / 2, SECOND));
        machine.act(SIG_IGN);
        machine.act(0x4000);
        assert_eq!(machine.serve_at(0, 7), (SECOND / 2, SECOND));
        let Machine { memory, signals, threads, clock, timers, .. } = &mut machine;
        clock.idle_until(4 * SECOND);
        assert_eq!(serve(memory, signals, threads, clock, timers), Ok(Leave::Return(1)), "the alarm was for this");
        for halves in [8, 11] {
            assert_eq!(machine.serve_at(0, halves), (SECOND - halves % 2 * SECOND / 2, SECOND));
            let overruns = machine.timers.get(0).expect("it is there").overruns(&mut machine.signals);
            assert_eq!((overruns, machine.take()), (0, None));
        }
        let Machine { signals, threads, timers, .. } = &mut machine;
        assert_eq!(timers.arm(signals, threads, 0, Some(6 * SECOND as i64), SECOND, false), Ok(()));
        assert_eq!(machine.serve_at(0, 15), (SECOND / 2, SECOND));
        assert_eq!(machine.take(), Some(SignalInfo::of_timer(0, 1, 0)));
        assert_eq!(machine.serve_at(0, 16), (SECOND, SECOND));
        assert_eq!(machine.take(), Some(SignalInfo::of_timer(0, 0, 0)));
    }

    /// Where it was set anew before that, it does not wait for that signal.
    #[test]
    fn a_timer_set_anew_goes_on_when_an_old_signal_is_ignored() {
        let mut machine = Machine::new(0, Notice::Process(SIGALRM));
        assert_eq!(machine.serve_at(0, 3), (SECOND / 2, SECOND));
        let Machine { signals, threads, timers, .. } = &mut machine;
        assert_eq!(timers.arm(signals, threads, 0, Some(3 * SECOND as i64), SECOND, false), Ok(()));
        machine.act(SIG_IGN);
        machine.act(0x4000);
        assert_eq!(machine.serve_at(0, 7), (SECOND / 2, SECOND));
        assert_eq!(machine.take(), Some(SignalInfo::of_timer(0, 0, 0)));
        assert_eq!(machine.serve_at(0, 8), (SECOND, SECOND));
        assert_eq!(machine.take(), Some(SignalInfo::of_timer(0, 0, 0)));
    }
}
