//! Why no source could be generated: always a fault of the templates or the library.

use crate::diagnostic::Diagnose;

/// A fault of the generator's own material.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A template that does not render.
    #[error("the template {name} does not render: {message}")]
    Template {
        /// Its path below `templates/`.
        name: String,
        /// The engine's message.
        message: String,
    },
    /// A generated root that is not Rust.
    #[error("the generated kernel root is not valid Rust: {message}")]
    Root {
        /// The parser's message.
        message: String,
    },
}

impl Diagnose for SourceError {
    fn code(&self) -> &'static str {
        match self {
            SourceError::Template { .. } => "ZOS-E0601",
            SourceError::Root { .. } => "ZOS-E0602",
        }
    }

    fn help(&self) -> String {
        "this is a fault of zeroos itself: please report it with the command you gave".into()
    }
}
