//! How messages look.

use std::io::{ErrorKind, Write};

use anstyle::{AnsiColor, Style};

use super::Failure;
use super::input::FileError;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();

/// `error[ZOS-E0101]: app: cause` and the help below it.
pub(super) fn failure(failure: &Failure) {
    let subject = failure.subject.as_ref().map_or_else(String::new, |subject| format!("{subject}: "));
    let diagnostic = &failure.diagnostic;
    line(ERROR, &format!("error[{}]", diagnostic.code()), &format!("{subject}{diagnostic}"));
    line(NOTE, "  help", diagnostic.help());
}

/// Something that the user should know but that stops nothing.
pub(super) fn warning(text: &str) {
    line(WARNING, "warning", text);
}

/// Something worth knowing.
pub(super) fn note(text: &str) {
    line(NOTE, "note", text);
}

fn line(style: Style, head: &str, text: &str) {
    // Messages that nobody can read are no reason to fail.
    let _ = writeln!(anstream::stderr(), "{style}{head}{style:#}: {text}");
}

/// Prints data; a reader that went away (a closed pipe) is no failure.
///
/// # Errors
/// Standard output that cannot be written, for example on a full disk.
pub(super) fn data(text: &str) -> Result<(), FileError> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(FileError::Write { path: "standard output".into(), message: error.to_string() })
        }
        _ => Ok(()),
    }
}
