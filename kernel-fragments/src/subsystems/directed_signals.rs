//! Sending a signal to one of several threads.

use crate::abi::signal::{SA_RESTART, SI_TKILL, check, set_of};
use crate::abi::signal_info::SignalInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::signal_limit::Charge;
use crate::subsystems::signals::{Disposition, Signals, contrary_of};
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;

/// Whether `thread` may send what `info` says to `tid`: only to itself may it pretend whatever it wants
/// (kernel/signal.c, do_rt_sigqueueinfo).
///
/// # Errors
/// EPERM.
pub fn check_source(thread: &Thread, tid: i32, info: SignalInfo) -> Result<(), Errno> {
    let is_pretence = info.code >= 0 || info.code == SI_TKILL;
    if is_pretence && tid != thread.tid as i32 { Err(Errno::EPERM) } else { Ok(()) }
}

/// Sends signal `number` to thread `tid`, for the calling `thread`; number 0 only checks that it is there.
///
/// # Errors
/// ESRCH: no such thread. EINVAL: no such signal. EAGAIN: more are queued than may be. Unsupported: stopping.
pub fn send(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    tid: u32,
    number: i32,
) -> Outcome {
    let info = SignalInfo::sent_by(thread.credentials.users().real, true);
    send_with(memory, signals, threads, clock, thread, tid, number, info)
}

/// As [`send`], with more to tell.
pub fn send_with(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    tid: u32,
    number: i32,
    info: SignalInfo,
) -> Outcome {
    if tid == thread.tid {
        if number != 0 {
            let signal = check(number)?;
            drop_contrary_in_others(signals, threads, signal);
            make_room(signals, threads, thread, thread.credentials.users().real);
            signals.queue_to_thread(thread, signal, info)?;
        }
        return signals.settle(thread, 0);
    }
    let user = threads.find(tid).ok_or(Errno::ESRCH)?.credentials.users().real;
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    let signal = check(number)?;
    if contrary_of(signal) != 0 {
        signals.drop_contrary(signal, thread);
        drop_contrary_in_others(signals, threads, signal);
    }
    make_room(signals, threads, thread, user);
    let target = threads.find(tid).ok_or(Errno::ESRCH)?;
    signals.queue_to_thread(target, signal, info)?;
    if target.awaited_signals & set_of(signal) != 0 {
        threads.wake_thread(tid);
        return Ok(Leave::Return(0));
    }
    if target.pending_signals & !target.signal_mask & set_of(signal) == 0 {
        return Ok(Leave::Return(0));
    }
    act_on(memory, signals, threads, clock, tid, signal)
}

/// Sends `signal` with `info` to the process, for the calling `thread`: to it if it does not block the signal, otherwise to
/// one that waits for it, or to any that does not block it.
///
/// # Errors
/// EAGAIN: more are queued than may be. Unsupported: stopping.
pub fn send_to_process(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    signal: u32,
    info: SignalInfo,
) -> Outcome {
    drop_contrary_in_others(signals, threads, signal);
    // It is the first thread's user whose place it takes.
    let first = if thread.tid == PROCESS_ID { None } else { threads.find(PROCESS_ID) };
    let user = first.map_or(thread.credentials, |first| first.credentials).users().real;
    make_room(signals, threads, thread, user);
    signals.queue(thread, false, signal, info, Charge::User(user))?;
    if thread.signal_mask & set_of(signal) != 0 {
        return inform_others(memory, signals, threads, clock, signal);
    }
    signals.settle(thread, 0)
}

/// Has `user` as many places in the queue as there can be: what was sent to threads that are gone takes none (kernel/exit.c,
/// __exit_signal). `thread` is the calling one.
pub fn make_room(signals: &mut Signals, threads: &mut Threads, thread: &Thread, user: u32) {
    if signals.queue.lines().is_full(user) {
        signals.queue.lines().forget_threads(|tid| tid == thread.tid || threads.find(tid).is_some());
    }
}

/// Forgets what `signal` is the contrary of, as far as it is pending for threads that do not run.
pub fn drop_contrary_in_others(signals: &mut Signals, threads: &mut Threads, signal: u32) {
    let set = contrary_of(signal);
    if set != 0 {
        let has_some = |other: &Thread| other.pending_signals & set != 0;
        while let Some(other) = threads.find_by(has_some).and_then(|tid| threads.find(tid)) {
            signals.drop_contrary(signal, other);
        }
    }
}

/// What comes at once of `signal`, which is pending for the process, in threads that do not run.
///
/// # Errors
/// Unsupported: stopping.
pub fn inform_others(
    memory: &mut impl UserMemory,
    signals: &Signals,
    threads: &mut Threads,
    clock: &Clock,
    signal: u32,
) -> Outcome {
    let set = set_of(signal);
    if threads.wake_by_signal(set) {
        return Ok(Leave::Return(0));
    }
    match threads.find_by(|other| other.signal_mask & set == 0) {
        Some(tid) => act_on(memory, signals, threads, clock, tid, signal),
        None => Ok(Leave::Return(0)),
    }
}

/// What comes at once of `signal`, which is pending for another thread, `tid`, that does not block it. A handler is called
/// when the thread runs next; its wait ends now.
///
/// # Errors
/// Unsupported: stopping.
pub fn act_on(
    memory: &mut impl UserMemory,
    signals: &Signals,
    threads: &mut Threads,
    clock: &Clock,
    tid: u32,
    signal: u32,
) -> Outcome {
    match signals.disposition(signal) {
        Disposition::Ignore => {}
        Disposition::Terminate => return Ok(Leave::Exit(128 + signal as i32)),
        Disposition::Stop => return Err(Refusal::Unsupported("a signal that stops the program")),
        Disposition::Handle(action) => threads.interrupt(memory, clock, tid, action.flags & SA_RESTART != 0),
    }
    Ok(Leave::Return(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::credentials::Ids;
    use crate::abi::signal::{Action, SIGCONT, SIGTERM, SIGTSTP};
    use crate::subsystems::credentials::{Credentials, Identity};
    use crate::subsystems::signal_limit::set_limit;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::Unfinished;
    use crate::user_memory::UserAddress;
    use alloc::boxed::Box;

    /// The running thread waits for SIGTERM and signal 40, which are blocked.
    fn wait(machine: &mut ThreadMachine, argument: u64, unfinished: Unfinished) -> Step {
        machine.call(|m, thread| {
            thread.awaited_signals = (set_of(SIGTERM) | set_of(40)) & thread.signal_mask;
            Ok(m.threads.wait_for_event(thread, argument, core::iter::empty(), unfinished))
        })
    }

    fn send_signal(machine: &mut ThreadMachine, signals: &mut Signals, signal: u32) {
        let step = machine.call(|m, thread| {
            let info = SignalInfo::sent(false);
            send_to_process(&mut m.memory, signals, &mut m.threads, &m.clock, thread, signal, info)
        });
        assert_eq!(step, Step::Returned(0));
    }

    /// Threads 2, 3 and 4, all of which block everything.
    fn blocking() -> (ThreadMachine, Signals) {
        let mut machine = ThreadMachine::new();
        machine.current().signal_mask = u64::MAX;
        machine.spawn(0, UserAddress::NULL);
        machine.spawn(0, UserAddress::NULL);
        (machine, Signals::new())
    }

    /// Wherever the signal goes, and wherever its contrary is pending.
    #[test]
    fn going_on_ends_the_wish_to_stop_in_every_thread() {
        for target in [None, Some(2), Some(3)] {
            let (mut machine, mut signals) = blocking();
            for tid in [2, 4] {
                let step = machine.call(|m, thread| {
                    send(&mut m.memory, &mut signals, &mut m.threads, &m.clock, thread, tid, SIGTSTP as i32)
                });
                assert_eq!(step, Step::Returned(0));
            }
            match target {
                None => send_signal(&mut machine, &mut signals, SIGCONT),
                Some(tid) => {
                    let step = machine.call(|m, thread| {
                        send(&mut m.memory, &mut signals, &mut m.threads, &m.clock, thread, tid, SIGCONT as i32)
                    });
                    assert_eq!(step, Step::Returned(0));
                }
            }
            let other = machine.threads.find(4).map(|thread| thread.pending_signals);
            assert_eq!((machine.current().pending_signals & set_of(SIGTSTP), other), (0, Some(0)), "{target:?}");
        }
    }

    /// Thread 3 ends while signals to it are pending: these take no place any more.
    #[test]
    fn what_was_sent_to_threads_that_are_gone_does_not_count() {
        let (mut machine, mut signals) = blocking();
        let mut send = |machine: &mut ThreadMachine, tid| {
            machine.call(|m, thread| send(&mut m.memory, &mut signals, &mut m.threads, &m.clock, thread, tid, 40))
        };
        set_limit(3);
        for (tid, step) in [(4, 0), (3, 0), (2, 0)].map(|(tid, value)| (tid, Step::Returned(value))) {
            assert_eq!(send(&mut machine, tid), step);
        }
        for tid in [2, 3, 4] {
            assert_eq!(send(&mut machine, tid), Step::Failed(Errno::EAGAIN));
        }
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        assert_eq!(machine.call(|m, thread| Ok(m.threads.exit(thread, 0))), Step::Switched(4, 0));
        assert_eq!((send(&mut machine, 2), send(&mut machine, 4)), (Step::Returned(0), Step::Failed(Errno::EAGAIN)));
    }

    /// What goes to the process takes a place of the first thread's user, whoever sends it; what goes to a thread one of that thread's.
    #[test]
    fn each_takes_the_place_of_whom_it_is_sent_to() {
        let (mut machine, mut signals) = blocking();
        let other = Identity { users: Ids::all(1000), ..*Credentials::FIRST.identity() };
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        machine.current().credentials = Credentials::of(Box::leak(Box::new(other)));
        set_limit(1);
        send_signal(&mut machine, &mut signals, 40);
        assert_eq!([0, 1000].map(|user| signals.queue.lines().is_full(user)), [true, false]);
        for (tid, step) in [(4, Step::Failed(Errno::EAGAIN)), (3, Step::Returned(0)), (3, Step::Failed(Errno::EAGAIN))]
        {
            let sent =
                machine.call(|m, thread| send(&mut m.memory, &mut signals, &mut m.threads, &m.clock, thread, tid, 40));
            assert_eq!(sent, step, "{tid}");
        }
    }

    #[test]
    fn each_signal_wakes_one_taker() {
        let (mut machine, mut signals) = blocking();
        let takes = Unfinished { takes_signals: true, ..Unfinished::NONE };
        assert_eq!((wait(&mut machine, 7, takes), wait(&mut machine, 8, takes)), {
            (Step::Switched(3, 0), Step::Switched(4, 0))
        });
        send_signal(&mut machine, &mut signals, SIGTERM);
        send_signal(&mut machine, &mut signals, 40);
        assert_eq!((machine.yield_now(), machine.yield_now()), (Step::Switched(2, 7), Step::Switched(3, 8)));
    }

    /// Who polls a signalfd does not keep a signal from whoever does not block it.
    #[test]
    fn who_only_looks_takes_nothing() {
        let (mut machine, mut signals) = blocking();
        signals.set_action(machine.current(), SIGTERM, Action { handler: 0x4000, flags: 0, mask: 0 });
        machine.current().signal_mask = 0;
        let looks = Unfinished::NONE;
        assert_eq!((wait(&mut machine, 7, looks), wait(&mut machine, 8, looks)), {
            (Step::Switched(3, 0), Step::Switched(4, 0))
        });
        send_signal(&mut machine, &mut signals, SIGTERM);
        assert_eq!((machine.yield_now(), machine.yield_now()), (Step::Switched(3, 8), Step::Switched(2, -4)));
    }
}
