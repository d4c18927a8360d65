//! Things that a call can wait for: open files, as far as the scheduler has to know them.
//!
//! A file kind on which reading or writing may have to wait for another thread names this file: then a kernel with
//! threads gets the variants of the calls that wait (`subsystems/waiting.rs`).

/// What may change while somebody waits for it.
pub trait Watched {
    /// How often something happened that may end a wait.
    fn activity(&self) -> u64;

    /// When that happens by itself next, in nanoseconds since boot.
    fn next_change_ns(&self) -> Option<u64>;
}
