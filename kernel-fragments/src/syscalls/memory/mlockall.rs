//! `mlockall(2)`: <https://man7.org/linux/man-pages/man2/mlockall.2.html>. Supported: everything; nothing is ever paged out.
//! Errors: EINVAL.

use crate::errno::{Errno, SysResult};

syscall!(230 => mlockall);

const MCL_CURRENT: u32 = 1;
const MCL_FUTURE: u32 = 2;
const MCL_ONFAULT: u32 = 4;

/// Keeps all pages in memory, where they are anyway.
pub fn mlockall(flags: u32) -> SysResult {
    if flags & !(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0 || flags & (MCL_CURRENT | MCL_FUTURE) == 0 {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags() {
        assert_eq!(mlockall(MCL_CURRENT | MCL_ONFAULT), Ok(0));
        for flags in [0, MCL_ONFAULT, 8 | MCL_FUTURE] {
            assert_eq!(mlockall(flags), Err(Errno::EINVAL.into()));
        }
    }
}
