//! What is wrong with a fragment file.

use crate::diagnostic::Diagnose;
use crate::linux::SyscallNumber;

/// A file of the library breaks the fragment format.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not Rust.
    #[error("{path}:{line}: {message}")]
    Syntax {
        /// The file, below `kernel-fragments/src/`.
        path: String,
        /// Line, from 1.
        line: usize,
        /// The parser's message.
        message: String,
    },
    /// Rust, but not a fragment.
    #[error("{path}: {what}")]
    Format {
        /// The file.
        path: String,
        /// What was found and what was expected.
        what: String,
    },
    /// Two files for one call.
    #[error("{first} and {second} both provide call {} ({number}) in the same variant", number.0)]
    Rivals {
        /// The call.
        number: SyscallNumber,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
}

impl Diagnose for CatalogError {
    fn code(&self) -> &'static str {
        match self {
            CatalogError::Syntax { .. } | CatalogError::Format { .. } => "ZOS-E0401",
            CatalogError::Rivals { .. } => "ZOS-E0402",
        }
    }

    fn help(&self) -> String {
        "correct the file; `kernel-fragments/src/fragment.rs` describes the format and \
         `kernel-fragments/src/syscalls/identity/getpid.rs` is the smallest example"
            .into()
    }
}
