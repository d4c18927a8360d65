//! Why a platform cannot be used.

use crate::diagnostic::Diagnose;

/// What is wrong with a platform or the choice of one.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// No folder of that name.
    #[error("there is no platform `{name}`; known are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Not TOML, or not the keys that are expected.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's message, with line and key.
        message: String,
    },
    /// Values that cannot be.
    #[error("{file}: {what}")]
    Contradiction {
        /// The file.
        file: String,
        /// What was found and what was expected.
        what: String,
    },
    /// A file of the folder is missing or unreadable.
    #[error("cannot read {file}: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's message.
        message: String,
    },
}

impl Diagnose for PlatformError {
    fn code(&self) -> &'static str {
        match self {
            PlatformError::Unknown { .. } => "ZOS-E0301",
            PlatformError::Syntax { .. } => "ZOS-E0302",
            PlatformError::Contradiction { .. } => "ZOS-E0303",
            PlatformError::Unreadable { .. } => "ZOS-E0304",
        }
    }

    fn help(&self) -> String {
        match self {
            PlatformError::Unknown { .. } => {
                "`zeroos platforms` lists them; `zeroos new-platform NAME` makes one; a folder of your own is found in \
                 `platforms/` or under `--platform-dir`"
                    .into()
            }
            PlatformError::Syntax { .. } | PlatformError::Contradiction { .. } => {
                "correct the file; `platforms/spike/platform.toml` is a complete example".into()
            }
            PlatformError::Unreadable { .. } => {
                "a platform folder holds `platform.toml` and `platform.rs`, readable".into()
            }
        }
    }
}
