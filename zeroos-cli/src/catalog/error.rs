//! What is wrong with a fragment file.

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
