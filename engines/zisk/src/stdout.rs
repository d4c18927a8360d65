//! ZisK's transpiler prints remarks on standard output, which belongs to the program that is run. They say that a segment which
//! can be both read and executed costs more; the engines' README says so once.

use std::fs::File;
use std::io::{self, Write};

/// Runs `body` with standard output going nowhere.
///
/// # Errors
/// If the stream cannot be switched.
pub fn silenced<T>(body: impl FnOnce() -> T) -> io::Result<T> {
    let nowhere = File::options().write(true).open("/dev/null")?;
    io::stdout().flush()?;
    let kept = rustix::io::dup(io::stdout())?;
    rustix::stdio::dup2_stdout(nowhere)?;
    let result = body();
    io::stdout().flush()?;
    rustix::stdio::dup2_stdout(kept)?;
    Ok(result)
}
