//! `zeroos platforms`: which machines there are.

use std::path::PathBuf;
use std::process::ExitCode;

use super::build_options::platform_directories;
use super::{CommandResult, say};
use crate::platform::PlatformRegistry;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Folder with platforms of your own
    #[arg(long, value_name = "DIR")]
    platform_dir: Vec<PathBuf>,
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let registry = PlatformRegistry::discover(&platform_directories(&arguments.platform_dir))?;
    for name in registry.names() {
        match registry.load(name) {
            Ok(platform) => say::data(&format!("{name:<16} {:<10} {}\n", platform.isa, platform.summary))?,
            Err(error) => say::warning(&error.to_string()),
        }
    }
    Ok(ExitCode::SUCCESS)
}
