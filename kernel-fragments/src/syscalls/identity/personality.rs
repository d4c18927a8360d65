//! `personality(2)`: <https://man7.org/linux/man-pages/man2/personality.2.html>. Supported: asking, and setting
//! PER_LINUX; not supported: others. Errors: none.

use crate::errno::{Refusal, SysResult};

syscall!(92 => personality);

/// PER_LINUX without flags: what every process starts with.
const PER_LINUX: u32 = 0;
/// Only asks.
const QUERY: u32 = u32::MAX;

/// Sets the execution domain and returns what it was.
pub fn personality(wanted: u32) -> SysResult {
    match wanted {
        PER_LINUX | QUERY => Ok(PER_LINUX as usize),
        _ => Err(Refusal::Unsupported("another execution domain, or flags of it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks() {
        assert_eq!((personality(QUERY), personality(0)), (Ok(0), Ok(0)));
        assert!(matches!(personality(0x004_0000), Err(Refusal::Unsupported(_))));
    }
}
