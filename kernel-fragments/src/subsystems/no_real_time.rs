//! Takes the place of `real_time.rs` in kernels whose program cannot give a thread a priority: all have the same.

use crate::subsystems::parked_thread::{ParkedThread, ThreadQueue};

/// Nothing is kept.
pub struct RealTime;

impl RealTime {
    /// Nobody has a priority.
    pub const fn new() -> RealTime {
        RealTime
    }

    /// Whether any thread ever had a priority.
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        false
    }

    /// Takes out who is to run next.
    #[inline(always)]
    pub fn pop_ready(&self, ready: &mut ThreadQueue) -> Option<ParkedThread> {
        ready.pop()
    }

    /// Puts `thread` where it waits.
    #[inline(always)]
    pub fn push_waiting(&self, waiting: &mut ThreadQueue, thread: ParkedThread) {
        waiting.push(thread);
    }

    /// Puts `thread`, which waits already, where it waits from now on.
    #[inline(always)]
    pub fn move_waiting(&self, waiting: &mut ThreadQueue, thread: ParkedThread) {
        waiting.push(thread);
    }
}
