//! Timers that send signals: the one of `setitimer` and those of `timer_create`. They go by the deterministic clock and are
//! served whenever a thread is chosen; when all threads wait, the clock jumps to the next one. A thread that neither waits
//! nor yields is not interrupted, but where it reads the clock and finds that one is due.

use crate::abi::itimerspec::move_due;
use crate::abi::signal::set_of;
use crate::abi::signal_info::{SI_TIMER, SignalInfo};
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::{act_on, drop_contrary_in_others, inform_others};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::UserMemory;
use alloc::vec::Vec;

hook!(alarm => serve);

/// The timer of `setitimer(ITIMER_REAL)`; those of `timer_create` count from 0.
pub const REAL_TIMER: i32 = -1;

/// More overruns are not counted (DELAYTIMER_MAX).
const MOST_OVERRUNS: u32 = i32::MAX as u32;

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
    /// When it is due, in nanoseconds since boot.
    pub due_ns: Option<u64>,
    /// And again how long after that; 0 for never.
    pub interval_ns: u64,
    /// How often it was due while its signal was still pending, since that was sent.
    overruns: u32,
    /// The same of the signal before.
    overruns_before: u32,
    /// Whether it waits for a time of day, whenever that is set.
    goes_by_day: bool,
    /// How often it was due, by a time of day that was set, before boot.
    skipped: u32,
}

/// All timers.
pub struct Timers {
    timers: Vec<Timer>,
    next_id: i32,
}

impl Timer {
    /// A timer that is not armed.
    pub fn new(id: i32, clock: i32, notice: Notice, info: SignalInfo) -> Timer {
        let (due_ns, interval_ns, goes_by_day) = (None, 0, false);
        Timer { id, clock, notice, info, due_ns, interval_ns, overruns: 0, overruns_before: 0, goes_by_day, skipped: 0 }
    }

    /// What remains until it is due, at least 1 if it is armed, and its interval; both 0 if it is not.
    pub fn remaining_ns(&self, now_ns: u64) -> (u64, u64) {
        self.due_ns.map_or((0, 0), |due_ns| (due_ns.saturating_sub(now_ns).max(1), self.interval_ns))
    }

    /// How often it was due too early to be told, before the signal that was delivered last.
    pub fn overruns(&self, signals: &Signals) -> u32 {
        if self.is_pending(signals) { self.overruns_before } else { self.overruns }
    }

    fn is_pending(&self, signals: &Signals) -> bool {
        match self.notice {
            Notice::Nobody => false,
            Notice::Process(signal) => signals.is_queued(0, signal, self.info),
            Notice::Thread(tid, signal) => signals.is_queued(tid, signal, self.info),
        }
    }

    /// When it has something to say next.
    fn next_ns(&self) -> Option<u64> {
        if self.skipped > 0 { Some(0) } else { self.due_ns }
    }

    /// Moves on to the first time after `now_ns`, which is not before it was due; returns how often it was due up to then.
    fn advance(&mut self, now_ns: u64) -> u32 {
        let (Some(due_ns), 1..) = (self.due_ns, self.interval_ns) else {
            self.due_ns = None;
            return 1;
        };
        if due_ns > now_ns {
            return core::mem::take(&mut self.skipped);
        }
        let count = 1 + now_ns.saturating_sub(due_ns) / self.interval_ns;
        self.due_ns = Some(due_ns.saturating_add(count.saturating_mul(self.interval_ns)));
        let count = count.saturating_add(core::mem::take(&mut self.skipped).into());
        count.min(MOST_OVERRUNS.into()) as u32
    }
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
    pub fn get(&self, id: i32) -> Result<&Timer, Errno> {
        self.timers.iter().find(|timer| timer.id == id).ok_or(Errno::EINVAL)
    }

    /// Adds `timer`.
    pub fn add(&mut self, timer: Timer) {
        self.timers.push(timer);
    }

    /// Has the timer with id `id` be due at `due_ns` after boot, which is when a time of day comes if it `goes_by_day`; EINVAL if there is
    /// none.
    pub fn arm(
        &mut self,
        threads: &mut Threads,
        id: i32,
        due_ns: Option<u64>,
        interval_ns: u64,
        goes_by_day: bool,
    ) -> Result<(), Errno> {
        let timer = self.timers.iter_mut().find(|timer| timer.id == id).ok_or(Errno::EINVAL)?;
        *timer = Timer { due_ns, interval_ns, goes_by_day, ..Timer::new(id, timer.clock, timer.notice, timer.info) };
        self.set_alarm(threads);
        Ok(())
    }

    /// Forgets the timer with id `id`; EINVAL if there is none.
    pub fn remove(&mut self, threads: &mut Threads, id: i32) -> Result<(), Errno> {
        self.get(id)?;
        self.timers.retain(|timer| timer.id != id);
        self.set_alarm(threads);
        Ok(())
    }

    /// Whether one is due.
    pub fn are_due(&self, threads: &Threads, clock: &Clock) -> bool {
        threads.alarm_ns <= clock.now_ns()
    }

    /// The time of day was set: those that wait for one move.
    pub fn time_was_set(&mut self, threads: &mut Threads, moved_ns: i64) {
        for timer in self.timers.iter_mut().filter(|timer| timer.goes_by_day) {
            let Some(due_ns) = timer.due_ns else { continue };
            let (due_ns, count) = move_due(due_ns, timer.interval_ns, moved_ns);
            timer.due_ns = Some(due_ns);
            timer.skipped = timer.skipped.saturating_add(count.min(MOST_OVERRUNS.into()) as u32);
        }
        self.set_alarm(threads);
    }

    /// Until when nothing happens that could take a signal, if that is later than `now_ns`: nobody is ready, and no timer has a
    /// signal to send.
    fn quiet_until_ns(&self, signals: &Signals, threads: &Threads, now_ns: u64) -> u64 {
        let Some(until_ns) = threads.all_wait_until_ns() else { return now_ns };
        let sending = self.timers.iter().filter(|timer| !timer.is_pending(signals)).filter_map(Timer::next_ns);
        sending.fold(until_ns, u64::min).saturating_sub(1).max(now_ns)
    }

    fn set_alarm(&self, threads: &mut Threads) {
        threads.set_alarm(self.timers.iter().filter_map(Timer::next_ns).min());
    }
}

/// Serves every timer that is due, earliest first; returns how many.
pub fn serve(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    timers: &mut Timers,
) -> Outcome {
    let now_ns = clock.now_ns();
    let mut count = 0;
    loop {
        let due = timers.timers.iter_mut().filter(|timer| timer.next_ns().is_some_and(|due_ns| due_ns <= now_ns));
        let Some(timer) = due.min_by_key(|timer| timer.next_ns()) else { break };
        count += 1;
        if timer.is_pending(signals) {
            // However often it is due before anybody could take its signal, it is served once.
            let id = timer.id;
            let until_ns = timers.quiet_until_ns(signals, threads, now_ns);
            let Some(timer) = timers.timers.iter_mut().find(|timer| timer.id == id) else { break };
            timer.overruns = timer.overruns.saturating_add(timer.advance(until_ns)).min(MOST_OVERRUNS);
            // Who waits for ever never takes it.
            timer.due_ns = timer.due_ns.filter(|_| until_ns < u64::MAX - 1);
            continue;
        }
        let missed = timer.advance(now_ns) - 1;
        (timer.overruns_before, timer.overruns) = (timer.overruns, missed);
        let outcome = send(memory, signals, threads, clock, timer)?;
        if let Leave::Exit(_) = outcome {
            return Ok(outcome);
        }
    }
    timers.set_alarm(threads);
    Ok(Leave::Return(count))
}

/// Sends the signal of `timer`.
fn send(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    timer: &Timer,
) -> Outcome {
    match timer.notice {
        Notice::Nobody => {}
        Notice::Process(signal) => {
            drop_contrary_in_others(signals, threads, signal);
            let unblocked = threads.find_by(|thread| thread.signal_mask & set_of(signal) == 0);
            let mut blocks_all = Thread { signal_mask: u64::MAX, ..Thread::first() };
            match unblocked.and_then(|tid| threads.find(tid)) {
                Some(thread) => signals.queue_to_process(thread, signal, timer.info)?,
                None => signals.queue_to_process(&mut blocks_all, signal, timer.info)?,
            }
            return inform_others(memory, signals, threads, clock, signal);
        }
        Notice::Thread(tid, signal) => {
            let Some(thread) = threads.find(tid) else { return Ok(Leave::Return(0)) };
            signals.queue_to_thread(thread, signal, timer.info)?;
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

/// What a timer of `timer_create` has to say.
pub fn timer_info(id: i32, value: u64) -> SignalInfo {
    SignalInfo { code: SI_TIMER, words: [u64::from(id.cast_unsigned()), value] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{Action, SIGALRM};
    use crate::stop::Stop;
    use crate::subsystems::threads::go_on;
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
        assert_eq!(timers.arm(&mut machine.threads, id, Some(5_000_000), 2_000_000, false), Ok(()));
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
        let timer = *timers.get(id).expect("it is there");
        assert_eq!(timer.remaining_ns(clock.now_ns()), (2_000_000, 2_000_000));
        // Due twice more before anybody takes the signal.
        for _ in 0..2 {
            clock.idle_until(clock.now_ns() + 2_000_000);
            assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
        }
        let mut thread = Thread::first();
        assert_eq!(signals.take(&mut thread, u64::MAX).map(|taken| taken.info), Some(timer_info(id, 77)));
        assert_eq!(signals.take(&mut thread, u64::MAX), None, "once only");
        assert_eq!(timers.get(id).expect("it is there").overruns(&signals), 2);
        assert_eq!(timers.remove(threads, id), Ok(()));
        assert_eq!(timers.remove(threads, id), Err(Errno::EINVAL));
    }

    /// A timer that is due every nanosecond is not served a thousand million times while everybody sleeps.
    #[test]
    fn what_nobody_takes_is_only_counted() {
        let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
        machine.current().signal_mask = set_of(SIGALRM);
        let id = timers.new_id();
        timers.add(Timer::new(id, 1, Notice::Process(SIGALRM), timer_info(id, 0)));
        assert_eq!(timers.arm(&mut machine.threads, id, Some(1_000_000), 1, false), Ok(()));
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
        let overruns = timers.get(id).expect("it is there").overruns(&signals);
        assert!((998_999_999..=999_000_000).contains(&overruns), "{overruns}");
    }
}
