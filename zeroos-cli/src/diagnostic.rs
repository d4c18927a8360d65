//! How a failure is told: every error of a stage carries a code (`ZOS-Exxxx`), a cause and what to do about it.
//! Codes are explained at length in `diagnostic/codes.rs`, which `zeroos explain ZOS-Exxxx` prints.

pub mod codes;

/// What the user is told beside an error's own message (its `Display`, the cause: what was found, what was expected).
pub trait Diagnose: std::error::Error + Send + Sync + 'static {
    /// The stable code, for example `ZOS-E0101`.
    fn code(&self) -> &'static str;

    /// What to do now, in one or two sentences.
    fn help(&self) -> String;
}

/// A stage's error on its way to the user, with its code and help still attached.
#[derive(Debug)]
pub struct Diagnostic {
    code: &'static str,
    help: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Diagnostic {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What to do now.
    pub fn help(&self) -> &str {
        &self.help
    }
}

impl<E: Diagnose> From<E> for Diagnostic {
    fn from(error: E) -> Diagnostic {
        Diagnostic { code: error.code(), help: error.help(), source: Box::new(error) }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.source.fmt(f)
    }
}
