//! `_exit(2)` of a thread: <https://man7.org/linux/man-pages/man2/_exit.2.html>, where there is only one thread: the
//! program ends. Supported: everything. Errors: none.

use crate::outcome::{Leave, Outcome};

syscall!(93 => exit, single_thread);

/// Ends the only thread.
pub fn exit(status: i32) -> Outcome {
    Ok(Leave::Exit(status & 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_the_program() {
        assert_eq!(exit(0x103), Ok(Leave::Exit(3)));
    }
}
