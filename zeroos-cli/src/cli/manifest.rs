//! `zeroos manifest`: which calls a program can make, from where, with what evidence, and what the kernel has for them;
//! whether a run stayed within that, and what a new build changes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::input::FileError;
use super::project::Project;
use super::{About, CommandResult, Failure, input, say};
use crate::manifest::{Audit, Difference, Manifest, ManifestError, Trace};
use crate::pipeline;

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// `zeroos.manifest/1` (`zeroos.audit/1`, `zeroos.manifest-diff/1`).
    Json,
    /// The same as TOML.
    Toml,
}

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The program: a statically linked RISC-V Linux ELF
    app: PathBuf,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Compare with the log of a run, of `qemu-riscv64 -strace` or `zeroos run --trace`: a call that was made but not
    /// predicted is an error (exit status 1). May be given several times
    #[arg(long, value_name = "TRACE")]
    audit: Vec<PathBuf>,
    /// Show what the build B of the program adds and drops (exit status 0 either way)
    #[arg(long, value_name = "B", conflicts_with = "audit")]
    diff: Option<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let manifest = manifest(&arguments.app)?;
    if let Some(new) = &arguments.diff {
        let difference = Difference::new(&manifest, &self::manifest(new)?);
        tell(arguments.format, &difference, || difference.to_table())?;
    } else if arguments.audit.is_empty() {
        tell(arguments.format, &manifest, || manifest.to_table())?;
    } else {
        let audit = Audit::new(&manifest, &trace(&arguments.audit)?);
        tell(arguments.format, &audit, || audit.to_table())?;
        audit.verdict().about(&arguments.app)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn manifest(app: &Path) -> Result<Manifest, Failure> {
    let enosys = Project::read()?.enosys()?;
    let examined = pipeline::examine(input::read_program(app)?).about(app)?;
    pipeline::manifest(&examined, &enosys).about(app)
}

/// What all logs show together; each must show something.
fn trace(files: &[PathBuf]) -> Result<Trace, Failure> {
    let mut all = Trace::default();
    for file in files {
        let bytes = input::read_log(file)?;
        let trace = Trace::parse(&String::from_utf8_lossy(&bytes));
        if trace.count() == 0 {
            return Err(ManifestError::NoCalls { bytes: bytes.len() }).about(file);
        }
        all.add(trace);
    }
    Ok(all)
}

fn tell(format: Format, data: &impl Serialize, table: impl Fn() -> String) -> Result<(), FileError> {
    let unwritable = |what: String| FileError::Option { what: format!("the result cannot be written: {what}") };
    let text = match format {
        Format::Table => table(),
        Format::Json => serde_json::to_string_pretty(data).map_err(|error| unwritable(error.to_string()))?,
        Format::Toml => toml::to_string_pretty(data).map_err(|error| unwritable(error.to_string()))?,
    };
    say::data(text.trim_end_matches('\n'))?;
    say::data("\n")
}
