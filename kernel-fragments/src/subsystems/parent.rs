//! Process 1, the superuser's: the only other one that there is. Whom it lets do something to it is known, what would come of it is not.

use crate::abi::signal::{SIGCONT, check};
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::credentials::Credentials;

/// What comes of signal `number` to process 1 by `credentials`; number 0 only asks whether one might be sent (kernel/signal.c,
/// check_kill_permission).
///
/// # Errors
/// EINVAL, EPERM. Unsupported: sending one, and SIGCONT by whoever may be of the same session.
pub fn signal_parent(credentials: Credentials, number: i32) -> Outcome {
    let signal = if number == 0 { None } else { Some(check(number)?) };
    match signal {
        Some(SIGCONT) => {}
        _ if !credentials.may_signal_root() => return Err(Errno::EPERM.into()),
        None => return Ok(Leave::Return(0)),
        Some(_) => {}
    }
    Err(Refusal::Unsupported("a signal to process 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_superuser() {
        let call = |number| signal_parent(Credentials::FIRST, number);
        assert_eq!((call(0), call(65)), (Ok(Leave::Return(0)), Err(Errno::EINVAL.into())));
        assert!(matches!((call(15), call(18)), (Err(Refusal::Unsupported(_)), Err(Refusal::Unsupported(_)))));
    }
}
