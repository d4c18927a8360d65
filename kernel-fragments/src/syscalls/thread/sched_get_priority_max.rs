//! `sched_get_priority_max(2)`: <https://man7.org/linux/man-pages/man2/sched_get_priority_max.2.html>. Supported: everything.
//! Errors: EINVAL.

use crate::abi::sched::has_priorities;
use crate::errno::{Errno, SysResult};

syscall!(125 => sched_get_priority_max);

/// The highest priority that goes with `policy`.
pub fn sched_get_priority_max(policy: i32) -> SysResult {
    match has_priorities(policy) {
        Some(true) => Ok(99),
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
        for (policy, expected) in
            [(SCHED_FIFO, 99), (SCHED_RR, 99), (SCHED_NORMAL, 0), (SCHED_BATCH, 0), (SCHED_EXT, 0)]
        {
            assert_eq!(sched_get_priority_max(policy), Ok(expected), "{policy}");
        }
        for policy in [-1, 4, 8] {
            assert_eq!(sched_get_priority_max(policy), Err(Errno::EINVAL.into()), "{policy}");
        }
    }
}
