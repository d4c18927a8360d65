//! Sending a signal to one of several threads.

use crate::abi::signal::{SA_RESTART, check, set_of};
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
    if tid == thread.tid {
        if number != 0 {
            signals.send_to_thread(thread, check(number)?)?;
        }
        return signals.settle(thread, 0);
    }
    let target = threads.find(tid).ok_or(Errno::ESRCH)?;
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    let signal = check(number)?;
    signals.send_to_thread(target, signal)?;
    if target.pending_signals & !target.signal_mask & set_of(signal) == 0 {
        return Ok(Leave::Return(0));
    }
    act_on(memory, signals, threads, clock, tid, signal)
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
