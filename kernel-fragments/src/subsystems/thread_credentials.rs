//! Who goes on uses files in its own name. A kernel with threads, of which one can become somebody else, has this file.

use crate::errno::Refusal;
use crate::outcome::Leave;
use crate::subsystems::acting::act_as;
use crate::thread::Thread;

hook!(deliver => go_on);

/// `thread` goes on, or is about to be given a signal.
pub fn go_on(thread: &mut Thread) -> Result<Leave, Refusal> {
    act_as(thread.credentials);
    Ok(Leave::Resume)
}
