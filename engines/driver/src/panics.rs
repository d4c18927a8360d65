//! Machines' crates report what a program does wrong by panicking. Here a panic becomes a message.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, Once, PoisonError};

/// The message of the last panic, of whatever thread: machines run programs on threads of their own, too.
static LAST: Mutex<Option<String>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// Runs `body`. If it panics, returns the message of the panic instead of printing it.
///
/// # Errors
/// The message, if `body` panics.
pub fn catching<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("a panic without a message");
            // The first message is the cause; what other threads say when they find that one gone is not.
            LAST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| message.to_string());
        }));
    });
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = None;
    // Whatever `body` borrowed may be half changed; callers give up what a panic came out of.
    panic::catch_unwind(AssertUnwindSafe(body)).map_err(|_| {
        LAST.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(|| "a panic without a message".into())
    })
}

#[cfg(test)]
mod tests {
    use super::catching;

    #[test]
    fn a_panic_is_its_message() {
        assert_eq!(catching(|| 7), Ok(7));
        assert_eq!(catching(|| panic!("no section at {:#x}", 16)), Err::<(), _>("no section at 0x10".to_string()));
        let other_thread = || {
            let thread = std::thread::spawn(|| panic!("the cause"));
            assert!(thread.join().is_ok(), "the effect");
        };
        assert_eq!(catching(other_thread), Err("the cause".to_string()));
    }
}
