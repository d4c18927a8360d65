//! Signals: what each one does, and which are pending. Never allocates.
//!
//! What is pending for one thread, its mask and its alternate stack belong to the [`Thread`]. A real-time signal that is
//! sent again while it is pending would have to queue; that is not supported.

use crate::abi::signal::{
    Action, HIGHEST, SIG_DFL, SIG_IGN, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH,
    set_of,
};
use crate::errno::Refusal;
use crate::outcome::{Leave, Outcome};
use crate::thread::{A0, Thread};

/// The first of the signals that queue: one that is sent twice arrives twice.
const SIGRTMIN: u32 = 32;

/// What happens to a signal that arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Disposition {
    /// Nothing.
    Ignore,
    /// The program ends.
    Terminate,
    /// The program is stopped, which this kernel cannot.
    Stop,
    /// A handler is called.
    Handle(Action),
}

/// The process's signal state.
#[derive(Debug)]
pub struct Signals {
    actions: [Action; HIGHEST as usize],
    /// The signals that are pending for any thread.
    pending: u64,
}

impl Signals {
    /// Every action is the default, nothing is pending.
    pub const fn new() -> Signals {
        Signals { actions: [Action::DEFAULT; HIGHEST as usize], pending: 0 }
    }

    /// The action of `signal`.
    pub fn action(&self, signal: u32) -> Action {
        self.actions.get(signal.wrapping_sub(1) as usize).copied().unwrap_or(Action::DEFAULT)
    }

    /// Sets the action of `signal`. If it is then ignored, it is not pending any more (POSIX, sigaction); this looks at
    /// the process and the calling thread only.
    pub fn set_action(&mut self, thread: &mut Thread, signal: u32, action: Action) {
        if let Some(slot) = self.actions.get_mut(signal.wrapping_sub(1) as usize) {
            *slot = action;
        }
        if self.disposition(signal) == Disposition::Ignore {
            self.pending &= !set_of(signal);
            thread.pending_signals &= !set_of(signal);
        }
    }

    /// What `signal` does when it arrives (signal(7), "Signal dispositions").
    pub fn disposition(&self, signal: u32) -> Disposition {
        let action = self.action(signal);
        match (action.handler, signal) {
            (SIG_IGN, _) | (SIG_DFL, SIGCHLD | SIGCONT | SIGURG | SIGWINCH) => Disposition::Ignore,
            (SIG_DFL, SIGSTOP | SIGTSTP | SIGTTIN | SIGTTOU) => Disposition::Stop,
            (SIG_DFL, _) => Disposition::Terminate,
            _ => Disposition::Handle(action),
        }
    }

    /// Sends `signal` to the process.
    ///
    /// # Errors
    /// Unsupported: a real-time signal that is pending already.
    pub fn send_to_process(&mut self, caller: &Thread, signal: u32) -> Result<(), Refusal> {
        self.pending |= self.sent(signal, caller.signal_mask, self.pending)?;
        Ok(())
    }

    /// Sends `signal` to `thread`. Errors as [`send_to_process`](Self::send_to_process).
    pub fn send_to_thread(&self, thread: &mut Thread, signal: u32) -> Result<(), Refusal> {
        thread.pending_signals |= self.sent(signal, thread.signal_mask, thread.pending_signals)?;
        Ok(())
    }

    /// What to add to the set `pending` when `signal` is sent to someone who blocks `mask`: nothing if it is ignored.
    fn sent(&self, signal: u32, mask: u64, pending: u64) -> Result<u64, Refusal> {
        let set = set_of(signal);
        if mask & set == 0 && self.disposition(signal) == Disposition::Ignore {
            return Ok(0);
        }
        if signal >= SIGRTMIN && pending & set != 0 {
            return Err(Refusal::Unsupported("a real-time signal sent again while it is pending"));
        }
        Ok(set)
    }

    /// The signals that are pending for `thread`, blocked or not.
    pub fn pending(&self, thread: &Thread) -> u64 {
        self.pending | thread.pending_signals
    }

    /// Takes the next signal out of `set` that is pending for `thread`: SIGKILL first, its own before the process's,
    /// lower numbers first. Also tells whether it was sent to the thread itself.
    pub fn take(&mut self, thread: &mut Thread, set: u64) -> Option<(u32, bool)> {
        let kill = self.pending(thread) & set_of(SIGKILL);
        let set = if kill != 0 { kill } else { set };
        let own = thread.pending_signals & set;
        let source = if own != 0 { &mut thread.pending_signals } else { &mut self.pending };
        let candidates = *source & set;
        if candidates == 0 {
            return None;
        }
        let signal = candidates.trailing_zeros() + 1;
        *source &= !set_of(signal);
        Some((signal, own != 0))
    }

    /// How a call that returns `value` to `thread` ends, now that signals may have been sent to it or unblocked. One with
    /// a handler stays pending: it is delivered as the thread leaves the kernel.
    pub fn settle(&mut self, thread: &mut Thread, value: usize) -> Outcome {
        loop {
            let set = !thread.signal_mask;
            let Some((signal, was_directed)) = self.take(thread, set) else { return Ok(Leave::Return(value)) };
            match self.disposition(signal) {
                Disposition::Ignore => {}
                Disposition::Terminate => return Ok(Leave::Exit(128 + signal as i32)),
                Disposition::Stop => return Err(Refusal::Unsupported("a signal that stops the program")),
                Disposition::Handle(_) => {
                    let pending = if was_directed { &mut thread.pending_signals } else { &mut self.pending };
                    *pending |= set_of(signal);
                    thread.frame.x[A0] = value as u64;
                    return Ok(Leave::Resume);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGABRT, SIGTERM};

    #[test]
    fn standard_signals_do_not_queue() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        thread.signal_mask = u64::MAX;
        for _ in 0..2 {
            assert_eq!(signals.send_to_process(&thread, SIGTERM), Ok(()));
        }
        assert_eq!(signals.send_to_process(&thread, 40), Ok(()));
        assert!(matches!(signals.send_to_process(&thread, 40), Err(Refusal::Unsupported(_))));
        assert_eq!(signals.pending(&thread), set_of(SIGTERM) | set_of(40));
        assert_eq!(signals.take(&mut thread, !set_of(40)), Some((SIGTERM, false)));
        assert_eq!(signals.take(&mut thread, u64::MAX), Some((40, false)));
        assert_eq!(signals.take(&mut thread, u64::MAX), None);
    }

    #[test]
    fn a_threads_own_come_first_and_sigkill_before_all() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        assert_eq!(signals.send_to_process(&thread, 10), Ok(()));
        assert_eq!(signals.send_to_thread(&mut thread, 12), Ok(()));
        assert_eq!(signals.send_to_process(&thread, SIGKILL), Ok(()));
        let order = [(); 4].map(|()| signals.take(&mut thread, u64::MAX));
        assert_eq!(order, [Some((SIGKILL, false)), Some((12, true)), Some((10, false)), None]);
    }

    #[test]
    fn ignored_signals_are_gone() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        assert_eq!(signals.send_to_process(&thread, SIGCHLD), Ok(()));
        assert_eq!(signals.pending(&thread), 0);
        thread.signal_mask = set_of(SIGCHLD);
        assert_eq!(signals.send_to_thread(&mut thread, SIGCHLD), Ok(()));
        assert_eq!(signals.pending(&thread), set_of(SIGCHLD), "blocked ones wait: a handler may come");
        signals.set_action(&mut thread, SIGCHLD, Action::DEFAULT);
        assert_eq!(signals.pending(&thread), 0);
    }

    #[test]
    fn default_actions() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        assert_eq!(signals.settle(&mut thread, 5), Ok(Leave::Return(5)));
        thread.signal_mask = set_of(SIGABRT);
        assert_eq!(signals.send_to_thread(&mut thread, SIGABRT), Ok(()));
        assert_eq!(signals.settle(&mut thread, 0), Ok(Leave::Return(0)), "blocked");
        thread.signal_mask = 0;
        assert_eq!(signals.settle(&mut thread, 0), Ok(Leave::Exit(128 + 6)));
        assert_eq!(signals.send_to_thread(&mut thread, SIGTSTP), Ok(()));
        assert!(matches!(signals.settle(&mut thread, 0), Err(Refusal::Unsupported(_))));
    }

    #[test]
    fn a_handled_signal_waits_for_its_delivery() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        signals.set_action(&mut thread, SIGTERM, Action { handler: 0x4000, flags: 0, mask: 0 });
        assert_eq!(signals.send_to_process(&thread, SIGTERM), Ok(()));
        assert_eq!(signals.settle(&mut thread, 7), Ok(Leave::Resume));
        assert_eq!((thread.frame.x[A0], signals.pending(&thread)), (7, set_of(SIGTERM)));
    }
}
