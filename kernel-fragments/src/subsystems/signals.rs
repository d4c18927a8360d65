//! Signals: what each one does, and which are pending.
//!
//! What is pending for one thread, its mask and its alternate stack belong to the [`Thread`]. What is pending is in the queue, too: with
//! what it tells, and a real-time signal as often as it was sent.

use crate::abi::signal::{
    Action, HIGHEST, SIG_DFL, SIG_IGN, SIGALRM, SIGBUS, SIGCHLD, SIGCONT, SIGFPE, SIGILL, SIGKILL, SIGPIPE, SIGRTMIN,
    SIGSEGV, SIGSTOP, SIGSYS, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH, set_of,
};
use crate::abi::signal_info::SignalInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::signal_limit::Charge;
use crate::subsystems::signal_queue::SignalQueue;
use crate::thread::{A0, Thread};

/// What an instruction causes comes before what others send (kernel/signal.c, SYNCHRONOUS_MASK).
const SYNCHRONOUS: u64 =
    set_of(SIGSEGV) | set_of(SIGBUS) | set_of(SIGILL) | set_of(SIGTRAP) | set_of(SIGFPE) | set_of(SIGSYS);

/// The signals that stop the program, unless something else is set for them.
const STOPPING: u64 = set_of(SIGSTOP) | set_of(SIGTSTP) | set_of(SIGTTIN) | set_of(SIGTTOU);

/// What `signal` is the contrary of, whichever thread it is sent to: SIGCONT ends the wish to stop, and a signal that stops
/// that to go on (kernel/signal.c, prepare_signal).
#[inline]
pub fn contrary_of(signal: u32) -> u64 {
    match set_of(signal) {
        set if set & STOPPING != 0 => set_of(SIGCONT),
        set if set == set_of(SIGCONT) => STOPPING,
        _ => 0,
    }
}

/// How many handlers are remembered that are none any more.
const FORMER: usize = 16;

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
    /// Handlers that no action names any more, the last ones first: one may be about to run still, below another's frame.
    former: [u64; FORMER],
    /// The signals that are pending for any thread.
    pending: u64,
    /// Those that are pending, for the process and for threads.
    pub queue: SignalQueue,
    /// How many signals SIGALRM that were sent to the process were taken: each sets off the timer of `setitimer` again.
    pub alarms_taken: u32,
}

/// A signal that was pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken {
    /// Its number.
    pub signal: u32,
    /// Where it comes from.
    pub info: SignalInfo,
}

impl Signals {
    /// Every action is the default, nothing is pending.
    pub const fn new() -> Signals {
        let actions = [Action::DEFAULT; HIGHEST as usize];
        Signals { actions, former: [SIG_DFL; FORMER], pending: 0, queue: SignalQueue::new(), alarms_taken: 0 }
    }

    /// The action of `signal`.
    pub fn action(&self, signal: u32) -> Action {
        self.actions.get(signal.wrapping_sub(1) as usize).copied().unwrap_or(Action::DEFAULT)
    }

    /// Whether a handler starts at `address`, or did not long ago.
    pub fn is_handler(&self, address: u64) -> bool {
        let mut handlers = self.actions.iter().map(|action| action.handler).chain(self.former);
        !matches!(address, SIG_DFL | SIG_IGN) && handlers.any(|handler| handler == address)
    }

    /// Sets the action of `signal`. If it is then ignored, it is not pending any more (POSIX, sigaction); this looks at
    /// the process and the calling thread only.
    pub fn set_action(&mut self, thread: &mut Thread, signal: u32, action: Action) {
        if let Some(slot) = self.actions.get_mut(signal.wrapping_sub(1) as usize) {
            let handler = core::mem::replace(slot, action).handler;
            if !matches!(handler, SIG_DFL | SIG_IGN) && !self.is_handler(handler) {
                self.former.copy_within(..FORMER - 1, 1);
                self.former[0] = handler;
            }
        }
        if self.disposition(signal) == Disposition::Ignore {
            self.pending &= !set_of(signal);
            thread.pending_signals &= !set_of(signal);
            self.queue.lines().forget(0, signal);
            self.queue.lines().forget(thread.tid, signal);
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

    /// Whether any signal is pending for `thread`, blocked or not.
    pub fn are_pending(&self, thread: &Thread) -> bool {
        self.pending(thread) != 0
    }

    /// Sends `signal` to the process.
    ///
    /// # Errors
    /// EAGAIN: more signals are queued than may be, and this one may not be lost.
    pub fn send_to_process(&mut self, caller: &mut Thread, signal: u32) -> Result<(), Errno> {
        self.queue_to_process(caller, signal, SignalInfo::sent_by(caller.credentials.users().real, false))
    }

    /// Sends `signal` to `thread`. Errors as [`send_to_process`](Self::send_to_process).
    pub fn send_to_thread(&mut self, thread: &mut Thread, signal: u32) -> Result<(), Errno> {
        let info = SignalInfo::sent_by(thread.credentials.users().real, true);
        self.queue_to_thread(thread, signal, info)
    }

    /// `thread` wrote to something that nobody reads (kernel/signal.c, send_sig: the kernel speaks in the thread's name).
    pub fn send_broken_pipe(&mut self, thread: &mut Thread) -> Result<(), Errno> {
        let info = SignalInfo::sent_by(thread.credentials.users().real, false);
        self.queue_to_thread(thread, SIGPIPE, info)
    }

    /// Sends `signal` with `info` to the process. Errors as [`send_to_process`](Self::send_to_process).
    pub fn queue_to_process(&mut self, caller: &mut Thread, signal: u32, info: SignalInfo) -> Result<(), Errno> {
        let charge = Charge::User(caller.credentials.users().real);
        self.queue(caller, false, signal, info, charge)
    }

    /// Sends `signal` with `info` to `thread`. Errors as [`send_to_process`](Self::send_to_process).
    pub fn queue_to_thread(&mut self, thread: &mut Thread, signal: u32, info: SignalInfo) -> Result<(), Errno> {
        let charge = Charge::User(thread.credentials.users().real);
        self.queue(thread, true, signal, info, charge)
    }

    /// Sends `signal` with `info` to the process or, if it `is_directed`, to `thread`; `charge` is whose place it takes. Errors as
    /// [`send_to_process`](Self::send_to_process).
    pub fn queue(
        &mut self,
        thread: &mut Thread,
        is_directed: bool,
        signal: u32,
        info: SignalInfo,
        charge: Charge,
    ) -> Result<(), Errno> {
        if contrary_of(signal) != 0 {
            self.drop_contrary(signal, thread);
        }
        let set = set_of(signal);
        if thread.signal_mask & set == 0 && self.disposition(signal) == Disposition::Ignore {
            return Ok(());
        }
        let (tid, pending) =
            if is_directed { (thread.tid, &mut thread.pending_signals) } else { (0, &mut self.pending) };
        // A standard signal is pending once, but for what a timer sends (kernel/signal.c, send_sigqueue).
        if signal < SIGRTMIN && *pending & set != 0 && matches!(charge, Charge::User(_)) {
            return Ok(());
        }
        self.queue.lines().push(tid, signal, info, charge)?;
        *pending |= set;
        Ok(())
    }

    /// Forgets [what `signal` is the contrary of](contrary_of), as far as that is pending for the process or for `thread`.
    #[cold]
    #[inline(never)]
    pub fn drop_contrary(&mut self, signal: u32, thread: &mut Thread) {
        for other in SIGCONT..=SIGTTOU {
            let (signal, set) = (other, set_of(other) & contrary_of(signal));
            if thread.pending_signals & set != 0 {
                self.queue.lines().forget(thread.tid, signal);
                thread.pending_signals &= !set;
            }
            if self.pending & set != 0 {
                self.queue.lines().forget(0, signal);
                self.pending &= !set;
            }
        }
    }

    /// The signals that are pending for `thread`, blocked or not.
    pub fn pending(&self, thread: &Thread) -> u64 {
        self.pending | thread.pending_signals
    }

    /// The next signal out of `set` that is pending for `thread`: SIGKILL first, its own before the process's, faults
    /// before others, lower numbers first. Also tells whether it was sent to the thread itself.
    pub fn next(&self, thread: &Thread, set: u64) -> Option<(u32, bool)> {
        let kill = self.pending(thread) & set_of(SIGKILL);
        let set = if kill != 0 { kill } else { set };
        let own = thread.pending_signals & set;
        let candidates = if own != 0 { own } else { self.pending & set };
        if candidates == 0 {
            return None;
        }
        let faults = candidates & SYNCHRONOUS;
        let signal = if faults != 0 { faults } else { candidates }.trailing_zeros() + 1;
        Some((signal, own != 0))
    }

    /// Takes the [`next`](Self::next) signal out of `set`.
    pub fn take(&mut self, thread: &mut Thread, set: u64) -> Option<Taken> {
        let (signal, is_directed) = self.next(thread, set)?;
        let tid = if is_directed { thread.tid } else { 0 };
        self.alarms_taken = self.alarms_taken.wrapping_add(u32::from(signal == SIGALRM && !is_directed));
        let (info, has_more) = self.queue.lines().take(tid, signal);
        if !has_more {
            let pending = if is_directed { &mut thread.pending_signals } else { &mut self.pending };
            *pending &= !set_of(signal);
        }
        Some(Taken { signal, info })
    }

    /// How a call that returns `value` to `thread` ends, now that signals may have been sent to it or unblocked. One with
    /// a handler stays pending: it is delivered as the thread leaves the kernel.
    #[inline]
    pub fn settle(&mut self, thread: &mut Thread, value: usize) -> Outcome {
        if self.pending(thread) & !thread.signal_mask == 0 {
            return Ok(Leave::Return(value));
        }
        self.settle_pending(thread, value)
    }

    /// As [`settle`](Self::settle), where there is something to settle.
    #[cold]
    #[inline(never)]
    fn settle_pending(&mut self, thread: &mut Thread, value: usize) -> Outcome {
        loop {
            let set = !thread.signal_mask;
            let Some((signal, _)) = self.next(thread, set) else { return Ok(Leave::Return(value)) };
            match self.disposition(signal) {
                Disposition::Ignore => {
                    self.take(thread, set);
                }
                Disposition::Terminate => return Ok(Leave::Exit(128 + signal as i32)),
                Disposition::Stop => return Err(Refusal::Unsupported("a signal that stops the program")),
                Disposition::Handle(_) => {
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
    use crate::abi::signal::{SI_USER, SIGABRT, SIGTERM};
    use crate::subsystems::signal_limit::{LOST, set_limit};

    #[test]
    fn standard_signals_do_not_queue() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        thread.signal_mask = u64::MAX;
        for _ in 0..2 {
            assert_eq!(signals.send_to_process(&mut thread, SIGTERM), Ok(()));
        }
        assert_eq!(signals.send_to_process(&mut thread, 40), Ok(()));
        let told = SignalInfo { code: -1, words: [2, 77] };
        assert_eq!(signals.queue_to_process(&mut thread, 40, told), Ok(()));
        assert_eq!(signals.pending(&thread), set_of(SIGTERM) | set_of(40));
        let (plain, all) = (SignalInfo::sent(false), u64::MAX);
        assert_eq!(signals.take(&mut thread, !set_of(40)), Some(Taken { signal: SIGTERM, info: plain }));
        assert_eq!(signals.take(&mut thread, all), Some(Taken { signal: 40, info: plain }));
        assert_eq!(signals.take(&mut thread, all), Some(Taken { signal: 40, info: told }), "real-time ones do");
        assert_eq!(signals.take(&mut thread, all), None);
    }

    /// What cannot be queued is not sent, or sent without what it tells; a standard signal that is pending needs no place.
    #[test]
    fn beyond_the_limit() {
        let (mut signals, mut thread) = (Signals::new(), Thread { signal_mask: u64::MAX, ..Thread::first() });
        let told = SignalInfo { code: -1, words: [2, 77] };
        set_limit(1);
        assert_eq!(signals.queue_to_thread(&mut thread, SIGTERM, told), Ok(()));
        assert_eq!(signals.queue_to_process(&mut thread, 40, told), Err(Errno::EAGAIN));
        assert_eq!(signals.send_to_thread(&mut thread, 41), Err(Errno::EAGAIN));
        assert_eq!(signals.pending(&thread), set_of(SIGTERM));
        assert_eq!((signals.send_to_process(&mut thread, 42), signals.queue_to_thread(&mut thread, 10, told)), {
            (Ok(()), Ok(()))
        });
        assert_eq!(signals.queue_to_thread(&mut thread, SIGTERM, told), Ok(()));
        let taken = [(); 4].map(|()| signals.take(&mut thread, u64::MAX).map(|taken| (taken.signal, taken.info)));
        assert_eq!(taken, [Some((10, LOST)), Some((SIGTERM, told)), Some((42, LOST)), None]);
        thread.signal_mask = 0;
        signals.set_action(&mut thread, 40, Action { handler: SIG_IGN, flags: 0, mask: 0 });
        set_limit(0);
        assert_eq!(signals.queue_to_process(&mut thread, 40, told), Ok(()), "it is ignored");
    }

    #[test]
    fn a_broken_pipe_tells_of_the_writer() {
        let (mut signals, mut thread) = (Signals::new(), Thread { signal_mask: u64::MAX, ..Thread::first() });
        assert_eq!(signals.send_broken_pipe(&mut thread), Ok(()));
        let info = SignalInfo { code: SI_USER, ..SignalInfo::sent(true) };
        assert_eq!(thread.pending_signals, set_of(SIGPIPE));
        assert_eq!(signals.take(&mut thread, u64::MAX), Some(Taken { signal: SIGPIPE, info }));
    }

    /// What a program says of a timer is of no timer.
    #[test]
    fn a_pretended_timer_is_none() {
        let (mut signals, mut thread) = (Signals::new(), Thread { signal_mask: u64::MAX, ..Thread::first() });
        let pretended = SignalInfo::of_timer(0, 5, 77);
        for _ in 0..2 {
            assert_eq!(signals.queue_to_process(&mut thread, SIGTERM, pretended), Ok(()));
        }
        assert_eq!(signals.queue.lines().of_timer(0), None);
        let own = SignalInfo::of_timer(0, 0, 77);
        assert_eq!(signals.queue(&mut thread, false, SIGTERM, own, Charge::Timer(0)), Ok(()));
        let taken = [(); 3].map(|()| signals.take(&mut thread, u64::MAX).map(|taken| taken.info));
        assert_eq!(taken, [Some(pretended), Some(own), None]);
    }

    #[test]
    fn a_threads_own_come_first_and_sigkill_before_all() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        assert_eq!(signals.send_to_process(&mut thread, 10), Ok(()));
        assert_eq!(signals.send_to_thread(&mut thread, 12), Ok(()));
        assert_eq!(signals.send_to_process(&mut thread, SIGKILL), Ok(()));
        assert_eq!(signals.send_to_process(&mut thread, 11), Ok(()));
        let order = [(); 5].map(|()| signals.take(&mut thread, u64::MAX).map(|taken| taken.signal));
        assert_eq!(order, [Some(SIGKILL), Some(12), Some(11), Some(10), None]);
    }

    #[test]
    fn ignored_signals_are_gone() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        assert_eq!(signals.send_to_process(&mut thread, SIGCHLD), Ok(()));
        assert_eq!(signals.pending(&thread), 0);
        thread.signal_mask = set_of(SIGCHLD);
        assert_eq!(signals.send_to_thread(&mut thread, SIGCHLD), Ok(()));
        assert_eq!(signals.pending(&thread), set_of(SIGCHLD), "blocked ones wait: a handler may come");
        signals.set_action(&mut thread, SIGCHLD, Action::DEFAULT);
        assert_eq!(signals.pending(&thread), 0);
    }

    #[test]
    fn going_on_and_stopping_undo_each_other() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        thread.signal_mask = u64::MAX;
        let told = SignalInfo { code: -1, words: [2, 77] };
        signals.queue_to_process(&mut thread, SIGTSTP, told).unwrap();
        signals.queue_to_thread(&mut thread, SIGTTIN, told).unwrap();
        signals.send_to_thread(&mut thread, SIGTERM).unwrap();
        signals.send_to_thread(&mut thread, SIGCONT).unwrap();
        assert_eq!(signals.pending(&thread), set_of(SIGTERM) | set_of(SIGCONT));
        assert_eq!(
            [(0, SIGTSTP), (thread.tid, SIGTTIN)].map(|(tid, signal)| signals.queue.lines().take(tid, signal).0),
            [LOST; 2]
        );
        signals.send_to_thread(&mut thread, SIGTTOU).unwrap();
        assert_eq!(signals.pending(&thread), set_of(SIGTERM) | set_of(SIGTTOU));
        signals.queue_to_thread(&mut thread, SIGTTIN, told).unwrap();
        signals.send_to_process(&mut thread, SIGCONT).unwrap();
        assert_eq!(signals.pending(&thread), set_of(SIGTERM) | set_of(SIGCONT), "the thread's own, too");
        assert_eq!(signals.queue.lines().take(thread.tid, SIGTTIN), (LOST, false));
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
        assert_eq!(signals.take(&mut thread, u64::MAX).map(|taken| taken.signal), Some(SIGABRT));
        assert_eq!(signals.send_to_thread(&mut thread, SIGTSTP), Ok(()));
        assert!(matches!(signals.settle(&mut thread, 0), Err(Refusal::Unsupported(_))));
    }

    #[test]
    fn a_handled_signal_waits_for_its_delivery() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        signals.set_action(&mut thread, SIGTERM, Action { handler: 0x4000, flags: 0, mask: 0 });
        assert_eq!(signals.send_to_process(&mut thread, SIGTERM), Ok(()));
        assert_eq!(signals.settle(&mut thread, 7), Ok(Leave::Resume));
        assert_eq!((thread.frame.x[A0], signals.pending(&thread)), (7, set_of(SIGTERM)));
    }

    #[test]
    fn handlers_are_known_for_a_while_after_they_were_replaced() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        let mut set = |signals: &mut Signals, handler| {
            signals.set_action(&mut thread, SIGTERM, Action { handler, flags: 0, mask: 0 });
        };
        for handler in 2..=3 + FORMER as u64 {
            set(&mut signals, 0x1000 * handler);
            set(&mut signals, SIG_IGN);
        }
        assert!(!signals.is_handler(0x2000) && !signals.is_handler(SIG_DFL) && !signals.is_handler(SIG_IGN));
        assert!((4..=3 + FORMER as u64).all(|handler| signals.is_handler(0x1000 * handler)));
    }
}
