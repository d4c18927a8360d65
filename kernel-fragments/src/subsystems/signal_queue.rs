//! Signals that were sent with more to tell than that they were, or again while they were pending: in the order in which
//! they came. Never allocates: there is room for a few, as few programs let many pile up.

use crate::abi::signal_info::SignalInfo;
use crate::errno::Refusal;

/// How many signals may be queued at once.
const ROOM: usize = 32;

/// In place of a signal that was forgotten: the timer that sent it waits for ever that somebody takes it.
const FORGOTTEN: u32 = 0;

/// In place of a timer's id: none sent it.
const NO_TIMER: i32 = -1;

/// One queued signal, without gaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Queued {
    /// What [`SignalInfo`] tells.
    words: [u64; 2],
    code: i32,
    signal: u32,
    /// For which thread; 0 for the process.
    tid: u32,
    /// Which timer sent it; what `code` and `words` say of that, a program may have made up.
    timer: i32,
}

/// All of them; the rest of the room is unused.
#[derive(Debug)]
pub struct SignalQueue {
    entries: [Option<Queued>; ROOM],
}

impl SignalQueue {
    /// Nothing is queued.
    pub const fn new() -> SignalQueue {
        SignalQueue { entries: [None; ROOM] }
    }

    /// Queues `signal` for thread `tid`, or for the process (0), sent by `timer` if it comes from one.
    ///
    /// # Errors
    /// Unsupported: more than there is room for.
    pub fn push(&mut self, tid: u32, signal: u32, info: SignalInfo, timer: Option<i32>) -> Result<(), Refusal> {
        if let Some(timer) = timer {
            self.forget_lost(timer);
        }
        let SignalInfo { code, words } = info;
        let queued = Queued { words, code, signal, tid, timer: timer.unwrap_or(NO_TIMER) };
        let free = self.entries.iter_mut().find(|entry| entry.is_none());
        *free.ok_or(Refusal::Unsupported("more than 32 queued signals"))? = Some(queued);
        Ok(())
    }

    /// Takes the oldest `signal` of `tid` out, and tells whether there are more.
    pub fn take(&mut self, tid: u32, signal: u32) -> (Option<SignalInfo>, bool) {
        let is_meant = |entry: &Option<Queued>| entry.is_some_and(|entry| (entry.tid, entry.signal) == (tid, signal));
        let Some(at) = self.entries.iter().position(is_meant) else { return (None, false) };
        let taken =
            self.entries.get(at).copied().flatten().map(|entry| SignalInfo { code: entry.code, words: entry.words });
        self.remove(at);
        (taken, self.entries.iter().any(is_meant))
    }

    /// Takes out the one at `at`. The ones behind move up, so that the order stays.
    fn remove(&mut self, at: usize) {
        self.entries.copy_within(at + 1.., at);
        if let Some(last) = self.entries.last_mut() {
            *last = None;
        }
    }

    /// The place of what the signal of `timer` tells of that, if it is there.
    pub fn of_timer(&mut self, timer: i32) -> Option<&mut u64> {
        let mut entries = self.entries.iter_mut().flatten();
        let queued = entries.find(|entry| entry.timer == timer && entry.signal != FORGOTTEN)?;
        queued.words.first_mut()
    }

    /// Whether any `signal` of `tid` is there.
    pub fn holds(&self, tid: u32, signal: u32) -> bool {
        self.entries.iter().flatten().any(|entry| (entry.tid, entry.signal) == (tid, signal))
    }

    /// Whether the signal of `timer` was forgotten.
    pub fn is_lost(&self, timer: i32) -> bool {
        self.entries.iter().flatten().any(|entry| entry.timer == timer && entry.signal == FORGOTTEN)
    }

    /// `timer` does not wait any more for its signal to be taken, if that was forgotten.
    pub fn forget_lost(&mut self, timer: i32) {
        let is_meant =
            |entry: &Option<Queued>| entry.is_some_and(|entry| entry.timer == timer && entry.signal == FORGOTTEN);
        if let Some(at) = self.entries.iter().position(is_meant) {
            self.remove(at);
        }
    }

    /// There is no `timer` any more: a signal of it is nobody's.
    pub fn disown(&mut self, timer: i32) {
        self.forget_lost(timer);
        for entry in self.entries.iter_mut().flatten().filter(|entry| entry.timer == timer) {
            entry.timer = NO_TIMER;
        }
    }

    /// Forgets every `signal` of `tid`. What a timer sent stays [lost](Self::is_lost).
    pub fn forget(&mut self, tid: u32, signal: u32) {
        let is_meant = |entry: &Option<Queued>| entry.is_some_and(|entry| (entry.tid, entry.signal) == (tid, signal));
        while let Some(at) = self.entries.iter().position(is_meant) {
            match self.entries.get_mut(at).and_then(Option::as_mut) {
                Some(entry) if entry.timer != NO_TIMER => entry.signal = FORGOTTEN,
                _ => self.remove(at),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_order_until_full() {
        let mut queue = SignalQueue::new();
        let info = |value| SignalInfo { code: -1, words: [0, value] };
        for value in 0..ROOM as u64 {
            assert_eq!(queue.push(value as u32 % 2, 40, info(value), None), Ok(()));
        }
        assert!(matches!(queue.push(0, 40, info(99), None), Err(Refusal::Unsupported(_))));
        assert_eq!(queue.take(1, 41), (None, false));
        assert_eq!((queue.take(1, 40), queue.take(0, 40)), ((Some(info(1)), true), (Some(info(0)), true)));
        queue.forget(1, 40);
        assert_eq!(queue.take(1, 40), (None, false));
        assert_eq!(queue.take(0, 40), (Some(info(2)), true));
        assert_eq!(queue.push(1, 41, info(7), None), Ok(()));
        assert_eq!(queue.take(1, 41), (Some(info(7)), false));
    }

    /// What was forgotten takes no room for longer than its timer waits, or is there.
    #[test]
    fn what_a_timer_sent_is_lost_until_it_sends_again() {
        let mut queue = SignalQueue::new();
        let info = SignalInfo::of_timer(7, 0, 0);
        for _ in 0..2 * ROOM {
            assert_eq!((queue.push(0, 40, info, Some(7)), queue.is_lost(7)), (Ok(()), false));
            queue.forget(0, 40);
            assert_eq!((queue.take(0, 40), queue.of_timer(7).is_none()), ((None, false), true));
            assert!(queue.is_lost(7));
        }
        queue.forget_lost(7);
        assert!(!queue.is_lost(7));
        for _ in 0..2 * ROOM {
            assert_eq!(queue.push(0, 40, info, Some(7)), Ok(()));
            queue.disown(7);
            queue.forget(0, 40);
            assert!(!queue.is_lost(7));
        }
    }
}
