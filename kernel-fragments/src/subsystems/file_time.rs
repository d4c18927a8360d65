//! The time that files get when something happens to them: what a clock showed last, or until when everybody slept last.
//!
//! Linux's is coarse, too: that of the last timer interrupt (kernel/time/timekeeping.c, ktime_get_coarse_real_ts64). Files have
//! no way to the clock, so it leaves the time here.

#[cfg(not(test))]
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Nanoseconds since boot. Atomic only to be a safe static: there is one hart, and relaxed accesses are plain ones.
#[cfg(not(test))]
static SINCE_BOOT_NS: AtomicU64 = AtomicU64::new(0);

// Tests run beside each other: each has a time of its own.
#[cfg(test)]
std::thread_local! {
    static SINCE_BOOT_NS: core::cell::Cell<u64> = const { core::cell::Cell::new(0) };
}

/// It is `now_ns` after boot.
#[inline(always)]
pub fn note_time(now_ns: u64) {
    #[cfg(not(test))]
    SINCE_BOOT_NS.store(now_ns, Relaxed);
    #[cfg(test)]
    SINCE_BOOT_NS.set(now_ns);
}

/// When it is, in nanoseconds since boot.
pub fn noted_time_ns() -> u64 {
    #[cfg(not(test))]
    return SINCE_BOOT_NS.load(Relaxed);
    #[cfg(test)]
    SINCE_BOOT_NS.get()
}
