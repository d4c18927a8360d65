//! The process group and the session that the process is in: at first a group of its own in its parent's session, as a shell
//! starts a job. So its group has an id that `kill` can be given, which -1, the parent's, has not.

use crate::abi::credentials::PARENT_ID;
use crate::errno::Refusal;
use crate::thread::{PROCESS_ID, Thread};

/// Where the process belongs.
#[derive(Debug)]
pub struct Session {
    /// Id of its session; its own id if it leads it.
    pub session: u32,
    /// Id of its process group; its own id if it leads it.
    pub group: u32,
}

impl Session {
    /// A job in the parent's session.
    pub const fn new() -> Session {
        Session { session: PARENT_ID, group: PROCESS_ID }
    }
}

/// Whether `pid` (0: the caller's) is this process, named by any id that is known here.
///
/// # Errors
/// Unsupported if it may be another thread or process.
pub fn check_own(thread: &Thread, pid: u32) -> Result<(), Refusal> {
    if pid == 0 || pid == PROCESS_ID || pid == thread.tid {
        Ok(())
    } else {
        Err(Refusal::Unsupported("the session or process group of another thread or process"))
    }
}
