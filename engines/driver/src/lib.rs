//! What the commands of all engines share: the command line of `run`, the streams, the statistics, and what the exit status
//! means. An engine implements [`Engine`] and calls [`run`]; nothing here knows any machine.

mod arguments;
mod console;
mod ending;
mod panics;

pub use arguments::RunArguments;
pub use console::Console;
pub use ending::{Ending, Finished, Refusal, status};
pub use panics::catching;

use serde::Serialize;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

/// A machine that can run an image.
pub trait Engine {
    /// The engine's name, as in `zeroos-engine-NAME`.
    const NAME: &'static str;
    /// The version of the machine's crates.
    const VERSION: &'static str;

    /// Runs an image from its entry to its end.
    ///
    /// # Errors
    /// If the machine does not take the image, or the engine cannot run at all.
    fn run(&self, run: &Run, console: &Console) -> Result<Finished, Refusal>;
}

/// All that a run depends on.
pub struct Run {
    /// The image's bytes, an ELF file.
    pub image: Vec<u8>,
    /// The private input.
    pub input: Vec<u8>,
    /// The most cycles that the run may take.
    pub max_cycles: Option<u64>,
}

/// The statistics file.
#[derive(Serialize)]
struct Statistics<'a> {
    engine: &'a str,
    version: &'a str,
    ending: &'a str,
    exit_code: Option<u8>,
    cycles: u64,
    public_output_bytes: usize,
}

/// Carries out `run`: reads the files, runs the image, writes the files, and says in one line on standard error why a run ended
/// otherwise than by the program's own exit. Returns the process's exit status.
pub fn run<E: Engine>(engine: &E, arguments: &RunArguments) -> ExitCode {
    match try_run(engine, arguments) {
        Ok(ending) => {
            if let Some(message) = ending.message() {
                eprintln!("{}: {message}", E::NAME);
            }
            ExitCode::from(ending.status())
        }
        Err(refusal) => refuse::<E>(&refusal),
    }
}

/// Says why the engine did not do what it was asked for, and returns the exit status that means so.
pub fn refuse<E: Engine>(refusal: &Refusal) -> ExitCode {
    eprintln!("{}: error: {refusal}", E::NAME);
    ExitCode::from(status::REFUSED)
}

fn try_run<E: Engine>(engine: &E, arguments: &RunArguments) -> Result<Ending, Refusal> {
    let run = Run {
        image: read(&arguments.image, "image")?,
        input: match &arguments.input {
            Some(path) => read(path, "private input")?,
            None => Vec::new(),
        },
        max_cycles: arguments.max_cycles,
    };
    let console = Console::default();
    let finished = engine.run(&run, &console)?;
    console.finish()?;

    if let Some(path) = &arguments.public_output {
        match finished.ending {
            Ending::Exit(_) => write(path, &finished.public_output, "public output")?,
            // What an earlier run left must not pass for the output of this one.
            _ => remove(path)?,
        }
    }
    if let Some(path) = &arguments.stats {
        let statistics = Statistics {
            engine: E::NAME,
            version: E::VERSION,
            ending: finished.ending.name(),
            exit_code: finished.ending.exit_code(),
            cycles: finished.cycles,
            public_output_bytes: finished.public_output.len(),
        };
        let mut text = serde_json::to_string_pretty(&statistics)
            .map_err(|error| Refusal::new(format!("the statistics cannot be written as JSON: {error}")))?;
        text.push('\n');
        write(path, text.as_bytes(), "statistics")?;
    }
    Ok(finished.ending)
}

/// Reads a file of the user's; `what` names it in the message.
///
/// # Errors
/// If it cannot be read.
pub fn read(path: &Path, what: &str) -> Result<Vec<u8>, Refusal> {
    fs::read(path).map_err(|error| Refusal::new(format!("cannot read the {what} `{}`: {error}", path.display())))
}

/// Writes a file of the user's; `what` names it in the message.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: &Path, bytes: &[u8], what: &str) -> Result<(), Refusal> {
    fs::write(path, bytes)
        .map_err(|error| Refusal::new(format!("cannot write the {what} `{}`: {error}", path.display())))
}

fn remove(path: &Path) -> Result<(), Refusal> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Refusal::new(format!("cannot remove the old public output `{}`: {error}", path.display())))
        }
        _ => Ok(()),
    }
}
