//! Sending a signal to one of several threads.

use crate::abi::signal::{SA_RESTART, check, set_of};
use crate::abi::signal_info::SignalInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::signals::{Disposition, Signals};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::UserMemory;

/// Sends signal `number` to thread `tid`, for the calling `thread`; number 0 only checks that it is there.
///
/// # Errors
/// ESRCH: no such thread. EINVAL: no such signal. Unsupported: stopping.
pub fn send(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    tid: u32,
    number: i32,
) -> Outcome {
    send_with(memory, signals, threads, clock, thread, tid, number, SignalInfo::sent(true))
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
            signals.queue_to_thread(thread, check(number)?, info)?;
        }
        return signals.settle(thread, 0);
    }
    let target = threads.find(tid).ok_or(Errno::ESRCH)?;
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    let signal = check(number)?;
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
/// Unsupported: stopping.
pub fn send_to_process(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    signal: u32,
    info: SignalInfo,
) -> Outcome {
    signals.queue_to_process(thread, signal, info)?;
    if thread.signal_mask & set_of(signal) != 0 {
        return inform_others(memory, signals, threads, clock, signal);
    }
    signals.settle(thread, 0)
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
    if let Some(tid) = threads.find_by(|other| other.awaited_signals & set != 0) {
        threads.wake_thread(tid);
    } else if let Some(tid) = threads.find_by(|other| other.signal_mask & set == 0) {
        return act_on(memory, signals, threads, clock, tid, signal);
    }
    Ok(Leave::Return(0))
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
