//! The program's console: its bytes go to this process's streams as they come, unchanged.

use crate::Refusal;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a program's console output goes. Clones write to the same streams, so that a machine's callbacks may own one.
#[derive(Clone, Default)]
pub struct Console {
    discards: bool,
    /// The first error, if any: a machine's callbacks have no way to hand it on.
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl Console {
    /// A console that nobody looks at.
    pub fn discarding() -> Self {
        Self { discards: true, ..Self::default() }
    }

    /// Writes to standard error if `fd` is 2, else to standard output.
    pub fn write(&self, fd: u64, bytes: &[u8]) {
        if self.discards {
            return;
        }
        let result = if fd == 2 {
            // What the program wrote first should be seen first, even if both streams are one file.
            io::stdout().flush().and_then(|()| io::stderr().write_all(bytes))
        } else {
            io::stdout().write_all(bytes)
        };
        self.note(result);
    }

    /// Writes out what is still held back.
    ///
    /// # Errors
    /// If anything could not be written during the whole run.
    pub fn finish(&self) -> Result<(), Refusal> {
        self.note(io::stdout().flush());
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(Refusal::new(format!("the program's console output cannot be written: {error}"))),
            None => Ok(()),
        }
    }

    fn note(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}
