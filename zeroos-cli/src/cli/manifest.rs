//! `zeroos manifest`: which calls a program can make, from where, with what evidence, and what the kernel has for them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::input::FileError;
use super::project::Project;
use super::{About, CommandResult, input, say};
use crate::pipeline;

#[derive(Clone, Copy, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// `zeroos.manifest/1`.
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
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let app = &arguments.app;
    let enosys = Project::read()?.enosys()?;
    let examined = pipeline::examine(input::read_program(app)?).about(app)?;
    let manifest = pipeline::manifest(&examined, &enosys).about(app)?;
    let unwritable = |what: String| FileError::Option { what: format!("the manifest cannot be written: {what}") };
    let text = match arguments.format {
        Format::Table => manifest.to_table(),
        Format::Json => manifest.to_json().map_err(|error| unwritable(error.to_string()))?,
        Format::Toml => manifest.to_toml().map_err(|error| unwritable(error.to_string()))?,
    };
    say::data(text.trim_end_matches('\n'))?;
    say::data("\n")?;
    Ok(ExitCode::SUCCESS)
}
