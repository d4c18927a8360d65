//! `setfsgid(2)`: <https://man7.org/linux/man-pages/man2/setfsgid.2.html>. Supported: asking, and setting the id that
//! it is (0); not supported: others. Errors: none.

use crate::abi::credentials::GROUP_ID;
use crate::errno::{Refusal, SysResult};

syscall!(152 => setfsgid);

/// Sets the group that files are accessed as to `id`, and returns what it was; an id of -1 only asks.
pub fn setfsgid(id: u32) -> SysResult {
    match id {
        GROUP_ID | u32::MAX => Ok(GROUP_ID as usize),
        _ => Err(Refusal::Unsupported("access to files as another group")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks() {
        assert_eq!((setfsgid(u32::MAX), setfsgid(0)), (Ok(0), Ok(0)));
        assert!(matches!(setfsgid(5), Err(Refusal::Unsupported(_))));
    }
}
