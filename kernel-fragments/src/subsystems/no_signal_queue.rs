//! Takes the place of `signal_queue.rs` in kernels with one thread, which is root's, where signals come from `kill`, `tkill` and `tgkill`
//! alone: what each tells is known by whom it was sent to, so they are only counted.

use crate::abi::signal::HIGHEST;
use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use crate::subsystems::signal_limit::{Charge, LOST, admit};

/// How many of each signal there are.
#[derive(Debug)]
pub struct SignalQueue {
    to_process: [u32; HIGHEST as usize],
    to_thread: [u32; HIGHEST as usize],
    queued: u64,
}

impl SignalQueue {
    /// Nothing is queued.
    pub const fn new() -> SignalQueue {
        SignalQueue { to_process: [0; HIGHEST as usize], to_thread: [0; HIGHEST as usize], queued: 0 }
    }

    /// As in `signal_queue.rs`, where they are apart.
    pub fn lines(&mut self) -> &mut SignalQueue {
        self
    }

    /// How many `signal` there are for the thread or, if `tid` is 0, for the process, and how many signals at all.
    fn counts(&mut self, tid: u32, signal: u32) -> Option<(&mut u32, &mut u64)> {
        let counts = if tid == 0 { &mut self.to_process } else { &mut self.to_thread };
        Some((counts.get_mut(signal.wrapping_sub(1) as usize)?, &mut self.queued))
    }

    /// As in `signal_queue.rs`, with an `info` that nobody has to keep.
    ///
    /// # Errors
    /// EAGAIN.
    pub fn push(&mut self, tid: u32, signal: u32, info: SignalInfo, _charge: Charge) -> Result<(), Errno> {
        let is_told = admit(signal, info, self.queued)?;
        if let Some((count, queued)) = self.counts(tid, signal).filter(|_| is_told) {
            *count += 1;
            *queued += 1;
        }
        Ok(())
    }

    /// As in `signal_queue.rs`.
    pub fn take(&mut self, tid: u32, signal: u32) -> (SignalInfo, bool) {
        match self.counts(tid, signal) {
            Some((count @ 1.., queued)) => {
                *count -= 1;
                *queued -= 1;
                (SignalInfo::sent(tid != 0), *count > 0)
            }
            _ => (LOST, false),
        }
    }

    /// As in `signal_queue.rs`.
    pub fn forget(&mut self, tid: u32, signal: u32) {
        if let Some((count, queued)) = self.counts(tid, signal) {
            *queued -= u64::from(core::mem::take(count));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::signal_limit::set_limit;
    use crate::subsystems::signal_queue;
    use crate::testing::{TestRandom, rounds};

    /// As far as it goes, it is the queue that it stands for.
    #[test]
    fn counting_is_enough() {
        for seed in 0..rounds(40) {
            let mut random = TestRandom(seed);
            let (mut counted, mut queue) = (SignalQueue::new(), signal_queue::SignalQueue::new());
            let (counted, queue) = (counted.lines(), queue.lines());
            for _ in 0..200 {
                let (tid, signal) = (2 * random.below(2) as u32, 30 + random.below(4) as u32);
                let info = SignalInfo::sent(tid != 0);
                set_limit(4 + random.below(4));
                match random.below(8) {
                    0 => {
                        counted.forget(tid, signal);
                        queue.forget(tid, signal);
                    }
                    1..=3 => assert_eq!(counted.take(tid, signal), queue.take(tid, signal)),
                    _ => {
                        let charge = Charge::User(0);
                        assert_eq!(counted.push(tid, signal, info, charge), queue.push(tid, signal, info, charge));
                    }
                }
            }
        }
    }

    #[test]
    fn no_other_signals() {
        let mut queue = SignalQueue::new();
        for signal in [0, 65, u32::MAX] {
            assert_eq!(queue.push(0, signal, SignalInfo::sent(false), Charge::User(0)), Ok(()));
            assert_eq!(queue.take(0, signal), (LOST, false));
        }
    }
}
