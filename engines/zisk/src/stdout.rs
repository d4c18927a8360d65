//! ZisK's transpiler prints remarks on standard output, which belongs to the program that is run.

use std::io::{self, Write};

/// Runs `body` with standard output going where standard error goes.
///
/// # Errors
/// If the streams cannot be switched.
pub fn diverted<T>(body: impl FnOnce() -> T) -> io::Result<T> {
    io::stdout().flush()?;
    let kept = rustix::io::dup(io::stdout())?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    let result = body();
    io::stdout().flush()?;
    rustix::stdio::dup2_stdout(kept)?;
    Ok(result)
}
