//! `exit_group(2)`: <https://man7.org/linux/man-pages/man2/exit_group.2.html>. Supported: everything. Errors: none.

use crate::outcome::{Leave, Outcome};

syscall!(94 => exit_group);

/// Ends the program and all its threads.
pub fn exit_group(status: i32) -> Outcome {
    Ok(Leave::Exit(status & 0xff))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_has_eight_bits() {
        assert_eq!(exit_group(0), Ok(Leave::Exit(0)));
        assert_eq!(exit_group(-1), Ok(Leave::Exit(255)));
        assert_eq!(exit_group(256 + 7), Ok(Leave::Exit(7)));
    }
}
