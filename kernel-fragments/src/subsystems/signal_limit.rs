//! RLIMIT_SIGPENDING: how many signals may be queued, and what becomes of those beyond it. The limit is kept apart, because who sends
//! signals has no way to the other limits, and who sets limits none to the signals.

use crate::abi::signal::{SI_USER, SIGRTMIN};
use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The limit of a program that was just started.
pub const FIRST_LIMIT: u64 = 4096;

/// What is told of a signal of which nothing is known: it was beyond the limit (kernel/signal.c, collect_signal).
pub const LOST: SignalInfo = SignalInfo { code: SI_USER, words: [0; 2] };

/// In whose name a signal takes a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charge {
    /// Of the user whom it is sent to.
    User(u32),
    /// Of the timer that sends it, which has its place from the beginning.
    Timer(i32),
}

/// Whether `signal` is queued with what `info` tells, where `queued` already are; false: it is only pending (kernel/signal.c,
/// __send_signal_locked).
///
/// # Errors
/// EAGAIN: it is beyond the limit, and who sent it is to know.
pub fn admit(signal: u32, info: SignalInfo, queued: u64) -> Result<bool, Errno> {
    if queued < limit() {
        return Ok(true);
    }
    match signal >= SIGRTMIN {
        // What the kernel and `kill` tell of standard signals is always kept: there are few.
        false => Ok(info.code >= 0),
        true if info.code == SI_USER => Ok(false),
        true => Err(Errno::EAGAIN),
    }
}

/// The soft limit. Atomic only to be a safe static: there is one hart, and relaxed accesses are plain ones.
#[cfg(not(test))]
static LIMIT: AtomicU64 = AtomicU64::new(FIRST_LIMIT);

// Tests run beside each other: each has its own.
#[cfg(test)]
std::thread_local! {
    static LIMIT: AtomicU64 = const { AtomicU64::new(FIRST_LIMIT) };
}

fn with<R>(work: impl FnOnce(&AtomicU64) -> R) -> R {
    #[cfg(not(test))]
    return work(&LIMIT);
    #[cfg(test)]
    LIMIT.with(work)
}

/// How many signals of one user may be queued.
pub fn limit() -> u64 {
    with(|limit| limit.load(Relaxed))
}

/// From now on it is `new`. What is queued already stays.
pub fn set_limit(new: u64) {
    with(|limit| limit.store(new, Relaxed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SI_TKILL, SIGTERM};
    use crate::abi::signal_info::{SI_KERNEL, SI_QUEUE, SI_TIMER};

    #[test]
    fn what_is_beyond_the_limit() {
        set_limit(5);
        for (signal, code, beyond) in [
            (SIGTERM, SI_USER, Ok(true)),
            (SIGTERM, SI_KERNEL, Ok(true)),
            (SIGTERM, SI_TKILL, Ok(false)),
            (SIGRTMIN - 1, SI_QUEUE, Ok(false)),
            (SIGRTMIN, SI_USER, Ok(false)),
            (SIGRTMIN, SI_TKILL, Err(Errno::EAGAIN)),
            (64, SI_QUEUE, Err(Errno::EAGAIN)),
            (64, SI_TIMER, Err(Errno::EAGAIN)),
            (64, SI_KERNEL, Err(Errno::EAGAIN)),
        ] {
            let info = SignalInfo { code, words: [1, 2] };
            let found = [4, 5, 6].map(|queued| admit(signal, info, queued));
            assert_eq!(found, [Ok(true), beyond, beyond], "{signal} {code}");
        }
        set_limit(u64::MAX);
        assert_eq!(admit(64, LOST, 1 << 40), Ok(true));
    }
}
