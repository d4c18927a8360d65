//! `waitid(2)`: <https://man7.org/linux/man-pages/man2/waitid.2.html>. Supported: everything but P_PIDFD: there never
//! is a child. Errors: EINVAL, ECHILD.

use crate::errno::{Errno, Refusal, SysResult};

syscall!(95 => waitid);

const P_ALL: i32 = 0;
const P_PID: i32 = 1;
const P_PGID: i32 = 2;
const P_PIDFD: i32 = 3;

/// WEXITED, WSTOPPED, WCONTINUED: one of them must be there.
const EVENTS: u32 = 4 | 2 | 8;
/// WNOHANG, WNOWAIT, and Linux's own from __WNOTHREAD on.
const KNOWN: u32 = EVENTS | 1 | 0x0100_0000 | 0xe000_0000;

/// Waits for a child.
pub fn waitid(kind: i32, id: i32, _info: u64, options: u32) -> SysResult {
    if options & !KNOWN != 0 || options & EVENTS == 0 {
        return Err(Errno::EINVAL.into());
    }
    match (kind, id) {
        (P_ALL, _) | (P_PID, 1..) | (P_PGID, 0..) => Err(Errno::ECHILD.into()),
        (P_PIDFD, 0..) => Err(Refusal::Unsupported("waitid by a process descriptor")),
        _ => Err(Errno::EINVAL.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_there() {
        for (kind, id, options, errno) in [
            (0, 0, 4, Errno::ECHILD),
            (1, 9, 5, Errno::ECHILD),
            (1, 0, 4, Errno::EINVAL),
            (2, 0, 4, Errno::ECHILD),
            (0, 0, 0, Errno::EINVAL),
            (7, 0, 4, Errno::EINVAL),
        ] {
            assert_eq!(waitid(kind, id, 0, options), Err(errno.into()));
        }
    }
}
