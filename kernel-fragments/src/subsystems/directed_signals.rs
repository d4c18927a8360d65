//! Sending a signal to one of several threads.

use crate::abi::signal::{check, set_of};
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::signals::{Disposition, Signals};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;

/// Sends signal `number` to thread `tid`, for the calling `thread`; number 0 only checks that it is there.
///
/// # Errors
/// ESRCH: no such thread. EINVAL: no such signal. Unsupported: interrupting a wait, stopping.
pub fn send(signals: &mut Signals, threads: &mut Threads, thread: &mut Thread, tid: u32, number: i32) -> Outcome {
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
    match signals.disposition(signal) {
        Disposition::Ignore => Ok(Leave::Return(0)),
        Disposition::Terminate => Ok(Leave::Exit(128 + signal as i32)),
        Disposition::Stop => Err(Refusal::Unsupported("a signal that stops the program")),
        // Delivered when it runs next.
        Disposition::Handle(_) if threads.is_ready(tid) => Ok(Leave::Return(0)),
        Disposition::Handle(_) => {
            Err(Refusal::Unsupported("interrupting a thread that waits by a signal with a handler"))
        }
    }
}
