//! Takes the place of `timers.rs` in kernels whose program cannot make timers that send signals: there are none.

use crate::subsystems::clock::Clock;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;

/// Nothing is kept.
pub struct Timers;

impl Timers {
    /// None.
    pub const fn new() -> Timers {
        Timers
    }

    /// None is due.
    #[inline(always)]
    pub fn are_due(&self, _threads: &Threads, _clock: &Clock) -> bool {
        false
    }

    /// None waits for a time of day.
    pub fn time_was_set(&mut self, _signals: &mut Signals, _threads: &mut Threads, _now_ns: u64, _moved_ns: i64) {}
}
