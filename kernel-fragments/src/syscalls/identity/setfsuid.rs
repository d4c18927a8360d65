//! `setfsuid(2)`: <https://man7.org/linux/man-pages/man2/setfsuid.2.html>. Supported: asking, and setting the id that
//! it is (0); not supported: others. Errors: none.

use crate::abi::credentials::USER_ID;
use crate::errno::{Refusal, SysResult};

syscall!(151 => setfsuid);

/// Sets the user that files are accessed as to `id`, and returns what it was; an id of -1 only asks.
pub fn setfsuid(id: u32) -> SysResult {
    match id {
        USER_ID | u32::MAX => Ok(USER_ID as usize),
        _ => Err(Refusal::Unsupported("access to files as another user")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks() {
        assert_eq!((setfsuid(u32::MAX), setfsuid(0)), (Ok(0), Ok(0)));
        assert!(matches!(setfsuid(5), Err(Refusal::Unsupported(_))));
    }
}
