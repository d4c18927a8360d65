//! How nice the process is (`setpriority(2)`). It is kept and told; with no preemption, nothing else depends on it.

use crate::errno::Errno;
use crate::subsystems::session::Session;
use crate::thread::{PROCESS_ID, Thread};

/// `who` is a thread.
pub const PRIO_PROCESS: i32 = 0;
/// `who` is a process group.
pub const PRIO_PGRP: i32 = 1;
/// `who` is a user.
pub const PRIO_USER: i32 = 2;

/// The process's niceness, -20 to 19.
pub struct Niceness {
    /// The niceness of all its threads.
    pub value: i32,
}

impl Niceness {
    /// As every process starts.
    pub const fn new() -> Niceness {
        Niceness { value: 0 }
    }
}

/// Whether `which` and `who` name this process.
///
/// # Errors
/// EINVAL for what names nothing.
pub fn is_own(session: &Session, thread: &Thread, which: i32, who: u32) -> Result<bool, Errno> {
    match which {
        PRIO_PROCESS => Ok(who == 0 || who == PROCESS_ID || who == thread.tid),
        PRIO_PGRP => Ok(who == 0 || who == session.group),
        // 0 stands for the caller's own, too.
        PRIO_USER => Ok(who == 0 || who == thread.credentials.users().real),
        _ => Err(Errno::EINVAL),
    }
}
