//! The command line: one file a command below `cli/`. Data goes to standard output, everything said about it to
//! standard error.

mod build;
mod build_options;
mod copy_out;
mod doctor;
mod explain;
mod fragments;
mod input;
mod link_script;
mod manifest;
mod new_platform;
mod platform;
mod platforms;
mod project;
mod report;
mod run;
mod say;
mod source_line;
mod stats;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::diagnostic::Diagnostic;

/// Exit status of a diagnosed failure.
const FAILURE: u8 = 1;
/// Exit status of a wrong command line.
const USAGE: u8 = 2;
/// Exit status of `run` when the tool, not the guest, failed.
const RUN_FAILURE: u8 = 125;

/// Turn an unmodified static RISC-V Linux program into a unikernel for zkVMs and bare machines.
#[derive(Parser)]
#[command(name = "zeroos", version, max_term_width = 120, disable_help_subcommand = true)]
struct CommandLine {
    /// When to colour messages.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    Always,
    Never,
}

#[derive(Subcommand)]
enum Command {
    /// Build an image from a program.
    Build(build::Arguments),
    /// Show which syscalls a program can make, from where, with what evidence; check a run; compare two builds.
    Manifest(manifest::Arguments),
    /// Build (if need be) and run, with exact instruction counts.
    Run(run::Arguments),
    /// Make a platform folder that builds and runs at once.
    NewPlatform(new_platform::Arguments),
    /// Check that a platform keeps its contract.
    Platform(platform::Arguments),
    /// List the platforms.
    Platforms(platforms::Arguments),
    /// Print the linker script for programs whose code and data must lie far apart.
    LinkScript(link_script::Arguments),
    /// List the kernel fragments and the syscalls they provide.
    Fragments(fragments::Arguments),
    /// Explain a syscall (by name or number), an error code, or one `ecall` of a program.
    Explain(explain::Arguments),
    /// Check what zeroos needs on this computer.
    Doctor(doctor::Arguments),
}

/// What a command comes to: its exit status, or a failure to be told.
type CommandResult = Result<ExitCode, Failure>;

/// A failure on its way to the user: what it is about, and the diagnostic.
#[derive(Debug)]
struct Failure {
    /// The file or thing that failed, if the message does not name it.
    subject: Option<String>,
    diagnostic: Diagnostic,
}

impl<E: Into<Diagnostic>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure { subject: None, diagnostic: error.into() }
    }
}

/// Says which file a failure is about.
trait About<T> {
    fn about(self, subject: &std::path::Path) -> Result<T, Failure>;
}

impl<T, E: Into<Diagnostic>> About<T> for Result<T, E> {
    fn about(self, subject: &std::path::Path) -> Result<T, Failure> {
        self.map_err(|error| Failure { subject: Some(subject.display().to_string()), diagnostic: error.into() })
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            let asked_for_help = !error.use_stderr();
            // Help that nobody reads is no failure.
            let _ = error.print();
            return ExitCode::from(match (asked_for_help, names_run(std::env::args_os().skip(1))) {
                (true, _) => 0,
                (false, true) => RUN_FAILURE,
                (false, false) => USAGE,
            });
        }
    };
    let choice = match line.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
    let failure = if matches!(line.command, Command::Run(_)) { RUN_FAILURE } else { FAILURE };
    let result = match line.command {
        Command::Build(arguments) => build::execute(arguments),
        Command::Manifest(arguments) => manifest::execute(&arguments),
        Command::Run(arguments) => run::execute(arguments),
        Command::NewPlatform(arguments) => new_platform::execute(&arguments),
        Command::Platform(arguments) => platform::execute(&arguments),
        Command::Platforms(arguments) => platforms::execute(&arguments),
        Command::LinkScript(arguments) => link_script::execute(&arguments),
        Command::Fragments(arguments) => fragments::execute(&arguments),
        Command::Explain(arguments) => explain::execute(&arguments),
        Command::Doctor(arguments) => doctor::execute(&arguments),
    };
    result.unwrap_or_else(|error| {
        say::failure(&error);
        ExitCode::from(failure)
    })
}

/// Whether a command line that could not be parsed was meant for `run`, whose exit statuses are the guest's.
fn names_run(words: impl Iterator<Item = OsString>) -> bool {
    let mut words = words.skip_while(|word| word.as_encoded_bytes().starts_with(b"--color="));
    match words.next() {
        Some(word) if word == "--color" => words.nth(1).is_some_and(|word| word == "run"),
        Some(word) => word == "run",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn run_is_recognised_behind_the_global_option() {
        let names_run = |line: &str| super::names_run(line.split_whitespace().map(OsString::from));
        for line in ["run", "run --bad", "--color never run", "--color=never run app"] {
            assert!(names_run(line), "{line}");
        }
        for line in ["", "build run", "--color run", "--color run build", "--bad"] {
            assert!(!names_run(line), "{line}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
