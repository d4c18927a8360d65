//! How `ppoll`, `pselect6` and `epoll_pwait` wait: until something is ready, their time is up or a handler is to run, with
//! another signal mask meanwhile if they are told one (fs/select.c, fs/eventpoll.c).

use crate::abi::timespec::{LATEST_NS, write_timespec};
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::poll_arguments::read_signal_mask;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::watched::Watched;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Weak;

/// One call's wait.
pub struct PollWait {
    /// What is kept of it while it waits.
    unfinished: Unfinished,
    /// Whether it may wait at all: its timeout is not 0.
    may_wait: bool,
    /// Blocked signals whose arrival may make something ready.
    awaited_signals: u64,
}

impl PollWait {
    /// Begins a wait of `timeout_ns` (`None`: for ever), or goes on with the one that the call was made again for. The mask
    /// at `mask` holds from now on. What then remains of the time is stored at `remaining`, unless it is null.
    ///
    /// # Errors
    /// EINVAL, EFAULT: the mask.
    pub fn begin(
        memory: &impl UserMemory,
        clock: &Clock,
        thread: &mut Thread,
        timeout_ns: Option<u64>,
        remaining: UserAddress,
        mask: UserAddress,
        mask_bytes: usize,
    ) -> Result<PollWait, Errno> {
        let mut unfinished = thread.resume_call();
        if !unfinished.is_waiting {
            if let Some(mask) = read_signal_mask(memory, mask, mask_bytes)? {
                thread.mask_to_restore = Some(thread.signal_mask);
                thread.signal_mask = mask;
            }
            unfinished.deadline_ns = timeout_ns.map(|timeout_ns| clock.after_ns(timeout_ns).min(LATEST_NS));
            unfinished.remaining = if timeout_ns == Some(0) { UserAddress::NULL } else { remaining };
        }
        Ok(PollWait { unfinished, may_wait: timeout_ns != Some(0), awaited_signals: 0 })
    }

    /// The arrival of one of these blocked signals may make something ready.
    pub fn awaiting(self, awaited_signals: u64) -> PollWait {
        PollWait { awaited_signals, ..self }
    }

    /// Whether its time is up.
    pub fn is_over(&self, clock: &Clock) -> bool {
        !self.may_wait || self.unfinished.deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns())
    }

    /// Ends the call with `result`, or, if that is that nothing is ready, waits for `files` and makes it again with
    /// `argument` first.
    pub fn finish(
        self,
        memory: &mut impl UserMemory,
        signals: &mut Signals,
        threads: &mut Threads,
        clock: &Clock,
        thread: &mut Thread,
        argument: u64,
        result: Result<usize, Errno>,
        files: impl Iterator<Item = Weak<dyn Watched>>,
    ) -> Outcome {
        if result == Ok(0) && !self.is_over(clock) {
            return match signals.settle(thread, (Errno::EINTR.0 as usize).wrapping_neg())? {
                Leave::Return(_) => {
                    thread.awaited_signals = self.awaited_signals;
                    Ok(threads.wait_for_event(thread, argument, files, self.unfinished))
                }
                interrupted => {
                    self.store_remaining(memory, clock);
                    Ok(interrupted)
                }
            };
        }
        if let Some(mask) = thread.mask_to_restore.take() {
            thread.signal_mask = mask;
        }
        self.store_remaining(memory, clock);
        Ok(Leave::Return(result?))
    }

    /// As in Linux, a time that cannot be stored does not change the answer.
    fn store_remaining(&self, memory: &mut impl UserMemory, clock: &Clock) {
        if let Unfinished { deadline_ns: Some(deadline_ns), remaining, .. } = self.unfinished
            && !remaining.is_null()
        {
            let _ = write_timespec(memory, remaining, deadline_ns.saturating_sub(clock.now_ns()));
        }
    }
}
