//! Timers that send signals: the one of `setitimer` and those of `timer_create`. They go by the deterministic clock and are
//! served whenever a thread is chosen; when all threads wait, the clock jumps to the next one. A thread that neither waits
//! nor yields is not interrupted, but where it reads the clock and finds that one is due.

use crate::abi::signal::set_of;
use crate::abi::timespec::LATEST_NS;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::{act_on, drop_contrary_in_others, inform_others};
use crate::subsystems::signal_limit::Charge;
use crate::subsystems::signal_timer::{Notice, Timer};
use crate::subsystems::signals::{Disposition, Signals};
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;
use alloc::vec::Vec;

hook!(alarm => serve);

/// All timers.
pub struct Timers {
    timers: Vec<Timer>,
    next_id: i32,
}

impl Timers {
    /// None.
    pub const fn new() -> Timers {
        Timers { timers: Vec::new(), next_id: 0 }
    }

    /// An id that no timer has or had.
    pub fn new_id(&mut self) -> i32 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// The timer with id `id`; EINVAL if there is none.
    pub fn get(&mut self, id: i32) -> Result<&mut Timer, Errno> {
        self.timers.iter_mut().find(|timer| timer.id == id).ok_or(Errno::EINVAL)
    }

    /// Adds `timer`.
    pub fn add(&mut self, timer: Timer) {
        self.timers.push(timer);
    }

    /// Has the timer with id `id` be due at `due_ns` after boot, which is when a time of day comes if it `goes_by_day`; EINVAL if there is
    /// none. A signal of it that is pending stays so, and says nothing of overruns.
    pub fn arm(
        &mut self,
        signals: &mut Signals,
        threads: &mut Threads,
        id: i32,
        due_ns: Option<i64>,
        interval_ns: u64,
        goes_by_day: bool,
    ) -> Result<(), Errno> {
        let timer = self.get(id)?;
        let interval_ns = if due_ns.is_some() { interval_ns } else { 0 };
        let (sent_again, user) = (timer.sent_again, timer.user);
        let blank = Timer::new(id, timer.clock, timer.notice, timer.info);
        *timer = Timer { due_ns, interval_ns, goes_by_day, sent_again, user, ..blank };
        signals.queue.lines().forget_lost(id);
        timer.note_overruns(signals);
        self.set_alarm(threads);
        Ok(())
    }

    /// Forgets the timer with id `id`; EINVAL if there is none. A signal of it that is pending stays so, and says nothing of overruns
    /// (kernel/signal.c, sigqueue_free: who takes it does not ask the timer).
    pub fn remove(&mut self, signals: &mut Signals, threads: &mut Threads, id: i32) -> Result<(), Errno> {
        let timer = self.get(id)?;
        timer.tell(signals, timer.sent_again);
        signals.queue.lines().disown(id, timer.user);
        self.timers.retain(|timer| timer.id != id);
        self.set_alarm(threads);
        Ok(())
    }

    /// Whether one is due.
    pub fn are_due(&self, threads: &Threads, clock: &Clock) -> bool {
        threads.alarm_ns <= clock.now_ns()
    }

    /// The time of day was set, `moved_ns` on, at `now_ns` after boot: those that wait for one move. Where a timer's signal is pending, how
    /// often it was due in vain is counted by what time it is then (kernel/time/hrtimer.c, hrtimer_forward).
    pub fn time_was_set(&mut self, signals: &mut Signals, threads: &mut Threads, now_ns: u64, moved_ns: i64) {
        let now_ns = now_ns.min(LATEST_NS).cast_signed();
        for timer in self.timers.iter_mut().filter(|timer| timer.goes_by_day) {
            timer.look(signals, now_ns);
            let Some(due_ns) = timer.due_ns else { continue };
            timer.was_due |= timer.pending_ns.is_none() && timer.notice != Notice::Nobody && due_ns <= now_ns;
            timer.due_ns = Some(due_ns.saturating_sub(moved_ns));
            timer.note_overruns(signals);
        }
        self.set_alarm(threads);
    }

    /// Until when nothing happens that could take a signal, or change what becomes of one, if that is later than `now_ns`: nobody is ready,
    /// and no timer has a signal to send that is not ignored.
    fn quiet_until_ns(&self, signals: &mut Signals, threads: &mut Threads, now_ns: u64) -> i64 {
        let until_ns = threads.all_wait_until_ns().map_or(now_ns, |until_ns| {
            let is_heard = |timer: &&Timer| timer.will_send(signals) && !is_ignored(signals, threads, timer.notice);
            let next = self.timers.iter().filter(is_heard).filter_map(Timer::next_ns).map(since_boot_ns);
            next.fold(until_ns, u64::min).saturating_sub(1).max(now_ns)
        });
        until_ns.min(LATEST_NS).cast_signed()
    }

    fn set_alarm(&self, threads: &mut Threads) {
        threads.set_alarm(self.timers.iter().filter_map(Timer::next_ns).min().map(since_boot_ns));
    }
}

/// Serves every timer that is due, earliest first; returns how many, and not 0 if the alarm was due: what it was set for may be known by now.
pub fn serve(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    timers: &mut Timers,
) -> Outcome {
    let now_ns = clock.now_ns().min(LATEST_NS).cast_signed();
    let is_due = timers.are_due(threads, clock);
    let mut count = 0;
    loop {
        let due = timers.timers.iter_mut().filter(|timer| timer.next_ns().is_some_and(|due_ns| due_ns <= now_ns));
        let Some(timer) = due.min_by_key(|timer| timer.next_ns()) else { break };
        count += 1;
        let (id, waits, is_ignored) =
            (timer.id, timer.pending_ns.is_some(), is_ignored(signals, threads, timer.notice));
        // However often it is due before anybody could take its signal, or would not ignore it, it is served once. Who waits for ever
        // never does.
        let until_ns =
            if waits || is_ignored { timers.quiet_until_ns(signals, threads, clock.now_ns()) } else { now_ns };
        let Ok(timer) = timers.get(id) else { break };
        if waits {
            timer.look(signals, until_ns);
            continue;
        }
        let is_queued_still = timer.pending(signals).is_some();
        timer.sent_again = if is_queued_still { timer.sent_again + 1 } else { 0 };
        let outcome = if is_queued_still { Leave::Return(0) } else { send(memory, signals, threads, clock, timer)? };
        if let Leave::Exit(_) = outcome {
            return Ok(outcome);
        }
        timer.was_sent(signals, is_ignored, until_ns);
        timer.note_overruns(signals);
    }
    timers.set_alarm(threads);
    Ok(Leave::Return(count.max(usize::from(is_due))))
}

/// What is before boot is due at boot.
fn since_boot_ns(due_ns: i64) -> u64 {
    due_ns.max(0).cast_unsigned()
}

/// Whether a signal of a timer with this notice is ignored, and not blocked by whom it is for.
fn is_ignored(signals: &Signals, threads: &mut Threads, notice: Notice) -> bool {
    let is_dropped = |signal| signals.disposition(signal) == Disposition::Ignore;
    match notice {
        Notice::Nobody => false,
        Notice::Process(signal) => {
            is_dropped(signal) && threads.find_by(|thread| thread.signal_mask & set_of(signal) == 0).is_some()
        }
        Notice::Thread(tid, signal) => {
            is_dropped(signal) && threads.find(tid).is_some_and(|thread| thread.signal_mask & set_of(signal) == 0)
        }
    }
}

/// Sends the signal of `timer`.
fn send(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    timer: &Timer,
) -> Outcome {
    let first = threads.find(PROCESS_ID).map_or(timer.user, |first| first.credentials.users().real);
    let charge = timer.queued_as().map_or(Charge::User(first), Charge::Timer);
    match timer.notice {
        Notice::Nobody => {}
        Notice::Process(signal) => {
            drop_contrary_in_others(signals, threads, signal);
            let unblocked = threads.find_by(|thread| thread.signal_mask & set_of(signal) == 0);
            let mut blocks_all = Thread { signal_mask: u64::MAX, ..Thread::first() };
            match unblocked.and_then(|tid| threads.find(tid)) {
                Some(thread) => signals.queue(thread, false, signal, timer.info, charge)?,
                None => signals.queue(&mut blocks_all, false, signal, timer.info, charge)?,
            }
            return inform_others(memory, signals, threads, clock, signal);
        }
        Notice::Thread(tid, signal) => {
            let Some(thread) = threads.find(tid) else { return Ok(Leave::Return(0)) };
            signals.queue(thread, true, signal, timer.info, charge)?;
            drop_contrary_in_others(signals, threads, signal);
            let Some(thread) = threads.find(tid) else { return Ok(Leave::Return(0)) };
            if thread.awaited_signals & set_of(signal) != 0 {
                threads.wake_thread(tid);
            } else if thread.signal_mask & set_of(signal) == 0 {
                return act_on(memory, signals, threads, clock, tid, signal);
            }
        }
    }
    Ok(Leave::Return(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{Action, SIG_IGN, SIGALRM};
    use crate::abi::signal_info::SignalInfo;
    use crate::stop::Stop;
    use crate::subsystems::signal_timer::{REAL_TIMER, timer_info};
    use crate::subsystems::threads::{NEVER, go_on};
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::Wait;
    use crate::user_memory::UserAddress;

    #[test]
    fn signals_come_in_time_and_again() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        machine.current().signal_mask = set_of(SIGALRM);
        signals.set_action(machine.current(), SIGALRM, Action { handler: 0x4000, flags: 0, mask: 0 });
        let id = timers.new_id();
        timers.add(Timer::new(id, 1, Notice::Process(SIGALRM), timer_info(id, 77)));
        assert_eq!(timers.arm(&mut signals, &mut machine.threads, id, Some(5_000_000), 2_000_000, false), Ok(()));
        let unfinished = crate::thread::Unfinished::NONE;
        let step = machine.call(|m, thread| {
            thread.awaited_signals = set_of(SIGALRM);
            Ok(m.threads.wait_for_event(thread, 7, core::iter::empty(), unfinished))
        });
        assert_eq!(step, Step::Stopped(Stop::Deadlock), "nobody can run before the timer is served");
        assert_eq!(machine.clock.now_ns(), 5_000_000);
        let ThreadMachine { memory, threads, clock, platform, .. } = &mut machine;
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        assert!(go_on(threads, clock, platform).is_some());
        let timer = timers.get(id).expect("it is there");
        assert_eq!(timer.remaining_ns(&mut signals, clock.now_ns()), (2_000_000, 2_000_000));
        // Due twice more before anybody takes the signal.
        for _ in 0..2 {
            clock.idle_until(clock.now_ns() + 2_000_000);
            assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        }
        let mut thread = Thread::first();
        assert_eq!(signals.take(&mut thread, u64::MAX).map(|taken| taken.info), Some(SignalInfo::of_timer(id, 2, 77)));
        assert_eq!(signals.take(&mut thread, u64::MAX), None, "once only");
        assert_eq!(timers.get(id).expect("it is there").overruns(&mut signals), 2);
        assert_eq!(timers.remove(&mut signals, threads, id), Ok(()));
        assert_eq!(timers.remove(&mut signals, threads, id), Err(Errno::EINVAL));
    }

    /// A timer that is due every nanosecond is not served a thousand million times while everybody sleeps.
    #[test]
    fn what_nobody_takes_is_only_counted() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        machine.current().signal_mask = set_of(SIGALRM);
        let id = timers.new_id();
        timers.add(Timer::new(id, 1, Notice::Process(SIGALRM), timer_info(id, 0)));
        assert_eq!(timers.arm(&mut signals, &mut machine.threads, id, Some(1_000_000), 1, false), Ok(()));
        let wake_ns = 1_000_000_000;
        let step = machine.call(|m, thread| Ok(m.threads.wait(thread, Wait::Sleep(UserAddress::NULL), Some(wake_ns))));
        assert_eq!(step, Step::Stopped(Stop::Deadlock), "nobody can run before the timer is served");
        let ThreadMachine { memory, threads, clock, platform, .. } = &mut machine;
        let mut served = 0;
        while go_on(threads, clock, platform).is_none() {
            served += 1;
            assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        }
        assert!((clock.now_ns(), served) == (wake_ns, 2) || (clock.now_ns(), served) == (wake_ns, 3), "{served}");
        let mut thread = Thread::first();
        assert!(signals.take(&mut thread, u64::MAX).is_some());
        let overruns = timers.get(id).expect("it is there").overruns(&mut signals);
        assert!((998_999_999..=999_000_000).contains(&overruns), "{overruns}");
    }

    /// A timer by the time of day, due at 2 s and every second from then on, whose signal is blocked.
    fn by_day(machine: &mut ThreadMachine, signals: &mut Signals, timers: &mut Timers) {
        machine.current().signal_mask = set_of(SIGALRM);
        let id = timers.new_id();
        timers.add(Timer::new(id, 0, Notice::Process(SIGALRM), timer_info(id, 0)));
        assert_eq!(timers.arm(signals, &mut machine.threads, id, Some(2 * SECOND), SECOND as u64, true), Ok(()));
    }

    const SECOND: i64 = 1_000_000_000;

    /// What Linux 6.12 says of a signal that is taken when the time of day was set by so many seconds, and what then remains.
    #[test]
    fn overruns_are_counted_by_the_time_at_which_the_signal_is_taken() {
        for (moved_s, overruns, left_ns) in [
            (0, 1, 500_000_000),
            (4, 5, 500_000_000),
            (-1, 0, 500_000_000),
            (-2, -1, 500_000_000),
            (-5, -1, 3_500_000_000),
        ] {
            let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
            by_day(&mut machine, &mut signals, &mut timers);
            let ThreadMachine { memory, threads, clock, .. } = &mut machine;
            clock.idle_until(3_500_000_000);
            for _ in 0..2 {
                let served = serve(memory, &mut signals, threads, clock, &mut timers);
                assert!(matches!(served, Ok(Leave::Return(0 | 1))));
            }
            timers.time_was_set(&mut signals, threads, clock.now_ns(), moved_s * SECOND);
            let timer = timers.get(0).expect("it is there");
            assert_eq!(timer.overruns(&mut signals), 0, "nobody took its signal yet");
            let info = signals.take(&mut Thread::first(), u64::MAX).map(|taken| taken.info);
            assert_eq!(info, Some(SignalInfo::of_timer(0, overruns, 0)), "{moved_s}");
            assert_eq!(timer.remaining_ns(&mut signals, clock.now_ns()).0, left_ns, "{moved_s}");
            assert_eq!(timer.overruns(&mut signals), overruns, "{moved_s}");
        }
    }

    /// Its signal comes however the time is set after that.
    #[test]
    fn what_was_due_before_the_time_was_set_is_told() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        by_day(&mut machine, &mut signals, &mut timers);
        let ThreadMachine { memory, threads, clock, .. } = &mut machine;
        clock.idle_until(2 * SECOND as u64);
        timers.time_was_set(&mut signals, threads, clock.now_ns(), -SECOND);
        assert!(timers.are_due(threads, clock));
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        assert!(signals.take(&mut Thread::first(), u64::MAX).is_some());
        assert_eq!(timers.get(0).expect("it is there").overruns(&mut signals), -1);
    }

    /// Each time that a signal is ignored counts as one at which the timer was due in vain.
    #[test]
    fn ignored_signals_are_overruns_of_the_next() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        by_day(&mut machine, &mut signals, &mut timers);
        machine.current().signal_mask = 0;
        let sleep = Wait::Sleep(UserAddress::NULL);
        let step = machine.call(|m, thread| Ok(m.threads.wait(thread, sleep, Some(3_500_000_000))));
        assert_eq!(step, Step::Stopped(Stop::Deadlock), "nobody can run before the timer is served");
        let ThreadMachine { memory, threads, clock, platform, .. } = &mut machine;
        signals.set_action(&mut Thread::first(), SIGALRM, Action { handler: SIG_IGN, flags: 0, mask: 0 });
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        assert!(go_on(threads, clock, platform).is_some(), "not before its sleep is over");
        assert_eq!((clock.now_ns(), signals.are_pending(&Thread::first())), (3_500_000_000, false));
        signals.set_action(&mut Thread::first(), SIGALRM, Action { handler: 0x4000, flags: 0, mask: 0 });
        clock.idle_until(4 * SECOND as u64);
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        let info = signals.take(&mut Thread::first(), u64::MAX).map(|taken| taken.info);
        assert_eq!(info, Some(SignalInfo::of_timer(0, 2, 0)));
    }

    /// A signal of a timer that is pending is not sent again, though the timer was set anew; that of another timer is.
    #[test]
    fn each_timer_has_one_signal_pending() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        by_day(&mut machine, &mut signals, &mut timers);
        by_day(&mut machine, &mut signals, &mut timers);
        let ThreadMachine { memory, threads, clock, .. } = &mut machine;
        assert_eq!(signals.send_to_process(&mut Thread { signal_mask: u64::MAX, ..Thread::first() }, SIGALRM), Ok(()));
        clock.idle_until(2 * SECOND as u64);
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(2)));
        assert_eq!(timers.arm(&mut signals, threads, 0, Some(0), 0, true), Ok(()));
        assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        let taken = [(); 4].map(|()| signals.take(&mut Thread::first(), u64::MAX).map(|taken| taken.info));
        let timer = |id, overruns| Some(SignalInfo::of_timer(id, overruns, 0));
        assert_eq!(taken, [Some(SignalInfo::sent(false)), timer(0, 1), timer(1, 0), None]);
    }
    /// Who takes it later is told of no more than how often it was sent again.
    #[test]
    fn the_signal_of_a_deleted_timer_tells_no_overruns() {
        for sent_again in [0, 1] {
            let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
            by_day(&mut machine, &mut signals, &mut timers);
            let ThreadMachine { memory, threads, clock, .. } = &mut machine;
            for _ in 0..=sent_again {
                assert_eq!(timers.arm(&mut signals, threads, 0, Some(2 * SECOND), SECOND as u64, true), Ok(()));
                clock.idle_until(clock.now_ns() + 3_500_000_000);
                for _ in 0..2 {
                    assert!(serve(memory, &mut signals, threads, clock, &mut timers).is_ok());
                }
            }
            assert_eq!(timers.remove(&mut signals, threads, 0), Ok(()));
            let info = signals.take(&mut Thread::first(), u64::MAX).map(|taken| taken.info);
            assert_eq!(info, Some(SignalInfo::of_timer(0, sent_again, 0)));
        }
    }
    /// Nobody is served for what is ignored while all wait: two timers with short intervals, one that nobody hears of because its thread is
    /// gone, and the one of `setitimer`.
    #[test]
    fn what_is_ignored_is_only_counted() {
        for wake_ns in [None, Some(100 * SECOND as u64)] {
            let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
            let action = Action { handler: SIG_IGN, flags: 0, mask: 0 };
            signals.set_action(machine.current(), SIGALRM, action);
            for (id, interval_ns, notice) in [
                (0, 1, Notice::Process(SIGALRM)),
                (1, 3_000_000, Notice::Thread(2, SIGALRM)),
                (2, 1, Notice::Thread(99, SIGALRM)),
                (REAL_TIMER, 1, Notice::Process(SIGALRM)),
            ] {
                timers.add(Timer::new(id, 1, notice, timer_info(id, 0)));
                let armed = timers.arm(&mut signals, &mut machine.threads, id, Some(SECOND), interval_ns, false);
                assert_eq!(armed, Ok(()));
            }
            let step = machine.call(|m, thread| Ok(m.threads.wait(thread, Wait::Sleep(UserAddress::NULL), wake_ns)));
            assert_eq!(step, Step::Stopped(Stop::Deadlock), "nobody can run before the timers are served");
            let ThreadMachine { memory, threads, clock, platform, .. } = &mut machine;
            let mut served = 0;
            while go_on(threads, clock, platform).is_none() && threads.alarm_ns != NEVER && served < 10 {
                served += 1;
                assert!(matches!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(_))));
            }
            assert!(served < 10, "{wake_ns:?}");
            assert!(clock.now_ns() == wake_ns.unwrap_or(clock.now_ns().min(2 * SECOND as u64)));
            if let Some(now_ns) = wake_ns {
                // As often as if each had been served whenever it was due.
                let mut seen = |id: i32| {
                    let timer = timers.get(id).expect("it is there");
                    (timer.remaining_ns(&mut signals, now_ns), timer.overruns)
                };
                assert_eq!(seen(0), ((24_750, 1), 99_000_024_749), "each 4 ms and a nanosecond");
                assert_eq!(seen(1), ((6_000_000, 3_000_000), 33_001));
                assert_eq!(seen(REAL_TIMER).0, (0, 1));
            }
        }
    }
}
