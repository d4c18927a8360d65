//! `sched_get_priority_min(2)`: <https://man7.org/linux/man-pages/man2/sched_get_priority_min.2.html>. Supported: everything.
//! Errors: EINVAL.

use crate::abi::sched::has_priorities;
use crate::errno::{Errno, SysResult};

syscall!(126 => sched_get_priority_min);

/// The lowest priority that goes with `policy`.
pub fn sched_get_priority_min(policy: i32) -> SysResult {
    match has_priorities(policy) {
        Some(true) => Ok(1),
        Some(false) => Ok(0),
        None => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::sched::{SCHED_BATCH, SCHED_EXT, SCHED_FIFO, SCHED_NORMAL, SCHED_RR};

    #[test]
    fn only_real_time_has_priorities() {
        for (policy, expected) in [(SCHED_FIFO, 1), (SCHED_RR, 1), (SCHED_NORMAL, 0), (SCHED_BATCH, 0), (SCHED_EXT, 0)]
        {
            assert_eq!(sched_get_priority_min(policy), Ok(expected), "{policy}");
        }
        for policy in [-1, 4, 8] {
            assert_eq!(sched_get_priority_min(policy), Err(Errno::EINVAL.into()), "{policy}");
        }
    }
}
