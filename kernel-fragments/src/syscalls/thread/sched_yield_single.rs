//! `sched_yield(2)`: <https://man7.org/linux/man-pages/man2/sched_yield.2.html>, where there is only one thread. Supported:
//! everything. Errors: none.

use crate::errno::SysResult;

syscall!(124 => sched_yield, single_thread);

/// Nobody else could run.
pub fn sched_yield() -> SysResult {
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn succeeds() {
        assert_eq!(sched_yield(), Ok(0));
    }
}
