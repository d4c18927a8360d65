//! `wait4(2)`: <https://man7.org/linux/man-pages/man2/wait4.2.html>. Supported: everything: there never is a child.
//! Errors: EINVAL, ECHILD, ESRCH.

use crate::errno::{Errno, SysResult};

syscall!(260 => wait4);

/// WNOHANG, WUNTRACED, WCONTINUED, and Linux's own from __WNOTHREAD on.
const KNOWN: u32 = 1 | 2 | 8 | 0xe000_0000;

/// Waits for a child.
pub fn wait4(pid: i32, _status: u64, options: u32) -> SysResult {
    if options & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    // Its positive counterpart cannot be said (kernel/exit.c).
    if pid == i32::MIN {
        return Err(Errno::ESRCH.into());
    }
    Err(Errno::ECHILD.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_there() {
        for (pid, options, errno) in [(-1, 1, Errno::ECHILD), (5, 4, Errno::EINVAL), (i32::MIN, 0, Errno::ESRCH)] {
            assert_eq!(wait4(pid, 0, options), Err(errno.into()));
        }
    }
}
