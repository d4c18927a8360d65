//! How a call ends when it may not simply return to its caller.

use crate::errno::{Refusal, SysResult};

/// What a handler returns where control may leave the calling thread.
pub type Outcome = Result<Leave, Refusal>;

/// How the kernel is left after a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leave {
    /// Back to the caller with this value in a0.
    Return(usize),
    /// Another thread may run: the caller is at the end of the run queue. Its call returns 0.
    Yield,
    /// The same, and the caller waits, as it says itself. Its a0 is what its frame holds when it runs again.
    Wait,
    /// As `Wait`; when the caller runs again, it makes its call once more.
    Retry,
    /// Another thread may run, and the caller is gone.
    Gone,
    /// The caller goes on with its frame completed by the registers that Rust code preserved: needed where a signal may have
    /// to be delivered. a0 is what the frame holds.
    Resume,
    /// The caller's frame was written as a whole (`rt_sigreturn`) and is loaded as it is.
    Restored,
    /// The program ends with this wait status: 0–255, or 128 + signal.
    Exit(i32),
}

/// Turns an ordinary result into an outcome.
pub fn returned(result: SysResult) -> Outcome {
    result.map(Leave::Return)
}
