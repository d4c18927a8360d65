//! Signals that were sent and that nobody took yet, with what they tell: for the process, and for each thread, those of one number in the
//! order in which they came. It grows, as far as RLIMIT_SIGPENDING lets the users whom signals are sent to (kernel/signal.c,
//! __sigqueue_alloc). How many there are of other numbers and for others does not matter to who takes one.

use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use crate::subsystems::signal_limit::{Charge, LOST, admit, limit};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// In place of the number of an entry: there is none.
const NONE: u32 = u32::MAX;

/// One queued signal.
#[derive(Debug)]
struct Entry {
    info: SignalInfo,
    charge: Charge,
    /// The one that came after it for the same, or the next one that is free.
    next: u32,
}

/// Those for one thread, or for the process, of one number. Without entries it is pending, and what it told was lost.
#[derive(Debug)]
struct Line {
    /// For which thread; 0 for the process.
    tid: u32,
    signal: u32,
    first: u32,
    last: u32,
}

/// All of them, once one was sent: few programs ever send any, and what is near in memory is for all.
#[derive(Debug)]
pub struct SignalQueue {
    lines: Option<Box<Lines>>,
}

/// What there is of signals that wait.
#[derive(Debug)]
pub struct Lines {
    entries: Vec<Entry>,
    /// The first entry that is free.
    free: u32,
    lines: Vec<Line>,
    /// How many places users have, timers among them; nobody has 0.
    charges: Vec<(u32, u64)>,
    /// The entry of each timer that has one, or `NONE` for one that was forgotten: it waits for ever that somebody takes it.
    timers: Vec<(i32, u32)>,
}

impl SignalQueue {
    /// Nothing is queued.
    pub const fn new() -> SignalQueue {
        SignalQueue { lines: None }
    }

    /// What is queued.
    pub fn lines(&mut self) -> &mut Lines {
        self.lines.get_or_insert_with(|| Box::new(Lines::new()))
    }
}

impl Lines {
    const fn new() -> Lines {
        Lines { entries: Vec::new(), free: NONE, lines: Vec::new(), charges: Vec::new(), timers: Vec::new() }
    }

    /// Queues `signal` for thread `tid`, or for the process (0). Beyond the limit it may be that only its number is kept.
    ///
    /// # Errors
    /// EAGAIN: it is beyond the limit, and does not count as sent.
    pub fn push(&mut self, tid: u32, signal: u32, info: SignalInfo, charge: Charge) -> Result<(), Errno> {
        let is_told = match charge {
            Charge::User(user) => admit(signal, info, self.queued(user))?,
            Charge::Timer(_) => true,
        };
        let at = if is_told { self.place(Entry { info, charge, next: NONE }) } else { NONE };
        match charge {
            Charge::User(user) if is_told => self.reserve(user),
            Charge::User(_) => {}
            Charge::Timer(timer) => {
                self.forget_lost(timer);
                self.timers.push((timer, at));
            }
        }
        let Some(line) = self.lines.iter_mut().find(|line| (line.tid, line.signal) == (tid, signal)) else {
            self.lines.push(Line { tid, signal, first: at, last: at });
            return Ok(());
        };
        if at != NONE {
            let before = core::mem::replace(&mut line.last, at);
            match self.entries.get_mut(before as usize) {
                Some(before) => before.next = at,
                None => line.first = at,
            }
        }
        Ok(())
    }

    /// Takes the oldest `signal` of `tid` out, and tells whether there are more.
    pub fn take(&mut self, tid: u32, signal: u32) -> (SignalInfo, bool) {
        let Some(at) = self.line(tid, signal) else { return (LOST, false) };
        let taken = self.take_first(at);
        let has_more = self.lines.get(at).is_some_and(|line| line.first != NONE);
        if !has_more {
            self.lines.swap_remove(at);
        }
        let Some((entry, info, charge)) = taken else { return (LOST, false) };
        match charge {
            Charge::User(user) => self.release(user),
            Charge::Timer(_) => self.timers.retain(|&(_, other)| other != entry),
        }
        (info, has_more)
    }

    /// Forgets every `signal` of `tid`. What a timer sent stays [lost](Self::is_lost).
    pub fn forget(&mut self, tid: u32, signal: u32) {
        let Some(at) = self.line(tid, signal) else { return };
        while let Some((entry, _, charge)) = self.take_first(at) {
            match charge {
                Charge::User(user) => self.release(user),
                Charge::Timer(_) => {
                    self.timers.iter_mut().filter(|(_, other)| *other == entry).for_each(|(_, other)| *other = NONE)
                }
            }
        }
        self.lines.swap_remove(at);
    }

    /// Forgets what was sent to threads that are not among those that `exist`: as they end, if that matters to anybody by now.
    #[cold]
    #[inline(never)]
    pub fn forget_threads(&mut self, mut exist: impl FnMut(u32) -> bool) {
        let mut is_gone = |line: &&Line| line.tid != 0 && !exist(line.tid);
        while let Some(&Line { tid, signal, .. }) = self.lines.iter().find(&mut is_gone) {
            self.forget(tid, signal);
        }
    }

    /// How many places `user` has.
    fn queued(&self, user: u32) -> u64 {
        self.charges.iter().find(|(other, _)| *other == user).map_or(0, |(_, count)| *count)
    }

    /// Whether `user` has all places that he may have.
    pub fn is_full(&self, user: u32) -> bool {
        self.queued(user) >= limit()
    }

    /// A timer of `user` takes a place, which [`disown`](Self::disown) gives back.
    pub fn reserve(&mut self, user: u32) {
        match self.charges.iter_mut().find(|(other, _)| *other == user) {
            Some((_, count)) => *count += 1,
            None => self.charges.push((user, 1)),
        }
    }

    /// A place of `user` is free again.
    fn release(&mut self, user: u32) {
        let Some(at) = self.charges.iter().position(|(other, _)| *other == user) else { return };
        match self.charges.get_mut(at) {
            Some((_, count @ 2..)) => *count -= 1,
            _ => drop(self.charges.swap_remove(at)),
        }
    }

    /// Where the line of `signal` for `tid` is.
    fn line(&self, tid: u32, signal: u32) -> Option<usize> {
        self.lines.iter().position(|line| (line.tid, line.signal) == (tid, signal))
    }

    /// Keeps `entry`; returns its number.
    fn place(&mut self, entry: Entry) -> u32 {
        match self.entries.get_mut(self.free as usize) {
            Some(place) => {
                let at = core::mem::replace(&mut self.free, place.next);
                *place = entry;
                at
            }
            None => {
                self.entries.push(entry);
                self.entries.len() as u32 - 1
            }
        }
    }

    /// Takes the first entry out of the line that is at `at`: its number, and what it was.
    fn take_first(&mut self, at: usize) -> Option<(u32, SignalInfo, Charge)> {
        let line = self.lines.get_mut(at)?;
        let entry = self.entries.get_mut(line.first as usize)?;
        let taken = (line.first, entry.info, entry.charge);
        line.first = core::mem::replace(&mut entry.next, self.free);
        self.free = taken.0;
        if line.first == NONE {
            line.last = NONE;
        }
        Some(taken)
    }

    /// The place of what the signal of `timer` tells of that, if it is there.
    pub fn of_timer(&mut self, timer: i32) -> Option<&mut u64> {
        let (_, at) = self.timers.iter().find(|(other, _)| *other == timer)?;
        self.entries.get_mut(*at as usize)?.info.words.first_mut()
    }

    /// Whether the signal of `timer` was forgotten.
    pub fn is_lost(&self, timer: i32) -> bool {
        self.timers.contains(&(timer, NONE))
    }

    /// `timer` does not wait any more for its signal to be taken, if that was forgotten.
    pub fn forget_lost(&mut self, timer: i32) {
        self.timers.retain(|other| *other != (timer, NONE));
    }

    /// There is no `timer` any more, and it had its place from `user`: a signal of it that is there keeps that until it is taken.
    pub fn disown(&mut self, timer: i32, user: u32) {
        let known = self.timers.iter().position(|(other, _)| *other == timer);
        let at = known.map_or(NONE, |at| self.timers.swap_remove(at).1);
        match self.entries.get_mut(at as usize) {
            Some(entry) => entry.charge = Charge::User(user),
            None => self.release(user),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::SIGTERM;
    use crate::abi::signal_info::{SI_QUEUE, SI_TIMER};
    use crate::subsystems::signal_limit::{FIRST_LIMIT, set_limit};
    use crate::testing::{TestRandom, rounds};
    use alloc::collections::{BTreeMap, VecDeque};

    const ROOT: Charge = Charge::User(0);

    fn told(value: u64) -> SignalInfo {
        SignalInfo { code: SI_QUEUE, words: [0, value] }
    }

    #[test]
    fn in_order_until_the_limit() {
        let mut queue = Lines::new();
        let count = if cfg!(miri) { 50 } else { FIRST_LIMIT };
        set_limit(count);
        for value in 0..count {
            assert_eq!(queue.push(value as u32 % 2, 40, told(value), ROOT), Ok(()));
        }
        assert_eq!((queue.push(0, 40, told(99), ROOT), queue.queued(0)), (Err(Errno::EAGAIN), count));
        assert_eq!((queue.take(1, 41), queue.take(3, 40)), ((LOST, false), (LOST, false)));
        assert_eq!((queue.take(1, 40), queue.take(0, 40)), ((told(1), true), (told(0), true)));
        queue.forget(1, 40);
        assert_eq!((queue.take(1, 40), queue.queued(0)), ((LOST, false), count / 2 - 1));
        assert_eq!(queue.push(1, 41, told(7), ROOT), Ok(()));
        for value in (2..count).step_by(2) {
            assert_eq!(queue.take(0, 40), (told(value), value + 2 < count));
        }
        assert_eq!((queue.take(1, 41), queue.queued(0)), ((told(7), false), 0));
        assert!(queue.lines.is_empty() && queue.entries.len() as u64 == count, "one place each, and no more");
    }

    /// Against queues that are as simple as can be.
    #[test]
    fn as_many_queues() {
        for seed in 0..rounds(40) {
            let mut random = TestRandom(seed);
            set_limit(10);
            let (mut queue, mut model) = (Lines::new(), BTreeMap::<(u32, u32), VecDeque<SignalInfo>>::new());
            for value in 0..200 {
                let key = (random.below(3) as u32, 40 + random.below(3) as u32);
                match random.below(8) {
                    0 => {
                        queue.forget(key.0, key.1);
                        model.remove(&key);
                    }
                    1..=3 => {
                        let oldest = model.get_mut(&key).and_then(VecDeque::pop_front);
                        let has_more = model.get(&key).is_some_and(|line| !line.is_empty());
                        assert_eq!(queue.take(key.0, key.1), (oldest.unwrap_or(LOST), has_more));
                    }
                    _ if model.values().map(VecDeque::len).sum::<usize>() == 10 => {
                        assert_eq!(queue.push(key.0, key.1, told(value), ROOT), Err(Errno::EAGAIN));
                    }
                    _ => {
                        assert_eq!(queue.push(key.0, key.1, told(value), ROOT), Ok(()));
                        model.entry(key).or_default().push_back(told(value));
                    }
                }
            }
            assert_eq!(queue.queued(0), model.values().map(VecDeque::len).sum::<usize>() as u64);
            assert!(queue.entries.len() <= 10);
        }
    }

    /// What is lost is what was to be told, and only if nothing else is: of the one that is next it is told.
    #[test]
    fn beyond_the_limit_something_is_pending() {
        let mut queue = Lines::new();
        let sent = SignalInfo::sent(false);
        set_limit(1);
        assert_eq!((queue.push(0, 40, sent, ROOT), queue.push(0, 40, sent, ROOT)), (Ok(()), Ok(())));
        assert_eq!(queue.push(0, SIGTERM, told(1), ROOT), Ok(()));
        assert_eq!((queue.take(0, 40), queue.take(0, SIGTERM)), ((sent, false), (LOST, false)));
        assert_eq!((queue.push(3, 41, sent, ROOT), queue.push(0, SIGTERM, told(1), ROOT)), (Ok(()), Ok(())));
        set_limit(2);
        assert_eq!(queue.push(0, SIGTERM, told(2), ROOT), Ok(()));
        assert_eq!((queue.take(0, SIGTERM), queue.queued(0)), ((told(2), false), 1));
        set_limit(0);
        assert_eq!((queue.push(0, SIGTERM, sent, ROOT), queue.queued(0)), (Ok(()), 2), "that is always told");
        assert_eq!((queue.push(3, 42, sent, ROOT), queue.push(3, 42, told(1), ROOT)), (Ok(()), Err(Errno::EAGAIN)));
        queue.forget(3, 42);
        assert_eq!((queue.take(0, SIGTERM), queue.take(3, 41), queue.queued(0)), ((sent, false), (sent, false), 0));
    }

    #[test]
    fn each_user_has_a_limit() {
        let mut queue = Lines::new();
        set_limit(1);
        assert_eq!((queue.push(0, 40, told(1), Charge::User(7)), queue.push(0, 40, told(2), ROOT)), (Ok(()), Ok(())));
        assert_eq!(queue.push(0, 40, told(3), Charge::User(7)), Err(Errno::EAGAIN));
        assert_eq!((queue.take(0, 40), queue.queued(7), queue.queued(0)), ((told(1), true), 0, 1));
        assert_eq!(
            (queue.push(0, 40, told(3), ROOT), queue.is_full(0), queue.is_full(7)),
            (Err(Errno::EAGAIN), true, false)
        );
        queue.reserve(7);
        assert!(queue.is_full(7));
        assert_eq!(queue.charges, [(0, 1), (7, 1)]);
    }

    #[test]
    fn what_threads_leave_behind_takes_no_place() {
        let mut queue = Lines::new();
        for (tid, signal) in [(0, 40), (2, 40), (3, 40), (3, 41), (3, 41), (4, SIGTERM)] {
            assert_eq!(queue.push(tid, signal, told(u64::from(tid)), ROOT), Ok(()));
        }
        queue.forget_threads(|tid| tid == 2);
        assert_eq!((queue.queued(0), queue.lines.len()), (2, 2));
        assert_eq!((queue.take(2, 40), queue.take(0, 40)), ((told(2), false), (told(0), false)));
    }

    /// A timer has its place already. What was forgotten of it takes no other, and it waits for that, or sends again.
    #[test]
    fn what_a_timer_sent_is_lost_until_it_sends_again() {
        let mut queue = Lines::new();
        let (info, timer) = (SignalInfo::of_timer(7, 0, 0), Charge::Timer(7));
        set_limit(1);
        queue.reserve(0);
        assert_eq!(queue.push(0, 40, info, ROOT), Err(Errno::EAGAIN));
        for _ in 0..5 {
            assert_eq!((queue.push(0, 40, info, timer), queue.is_lost(7)), (Ok(()), false));
            queue.forget(0, 40);
            assert_eq!((queue.take(0, 40), queue.of_timer(7).is_none()), ((LOST, false), true));
            assert!(queue.is_lost(7));
        }
        queue.forget_lost(7);
        assert!(!queue.is_lost(7));
        assert_eq!((queue.push(0, 40, info, timer), queue.queued(0)), (Ok(()), 1));
        *queue.of_timer(7).expect("it is there") = 9;
        assert_eq!(queue.take(0, 40), (SignalInfo { code: SI_TIMER, words: [9, 0] }, false));
        assert!(queue.of_timer(7).is_none() && !queue.is_lost(7) && queue.entries.len() == 1);
    }

    /// With the timer its place is free, or once its signal is taken.
    #[test]
    fn a_timer_that_is_gone() {
        let mut queue = Lines::new();
        let info = SignalInfo::of_timer(7, 0, 0);
        set_limit(2);
        queue.reserve(0);
        queue.reserve(0);
        queue.disown(8, 0);
        assert_eq!((queue.queued(0), queue.push(0, 40, info, Charge::Timer(7))), (1, Ok(())));
        queue.disown(7, 0);
        assert_eq!((queue.queued(0), queue.of_timer(7)), (1, None));
        assert_eq!((queue.take(0, 40), queue.queued(0)), ((info, false), 0));
        queue.reserve(0);
        assert_eq!(queue.push(0, 40, info, Charge::Timer(7)), Ok(()));
        queue.forget(0, 40);
        queue.disown(7, 0);
        assert_eq!((queue.queued(0), queue.is_lost(7)), (0, false));
    }
}
