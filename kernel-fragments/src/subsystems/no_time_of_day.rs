//! Takes the place of `time_of_day.rs` in kernels whose program cannot set the time of day: nobody did.

/// Nothing is kept.
#[derive(Debug)]
pub struct TimeOfDay;

impl TimeOfDay {
    /// Nobody set it.
    pub const fn new() -> TimeOfDay {
        TimeOfDay
    }

    /// Nanoseconds to add: none.
    #[inline(always)]
    pub fn shift_ns(&self) -> i64 {
        0
    }

    /// Who waits until when never changes.
    #[inline(always)]
    pub fn note_wait(&mut self, _tid: u32, _ends_ns: Option<u64>, _is_day: bool, _now_ns: u64) {}
}
