//! `zeroos new-platform`: a platform folder that builds and runs at once, with the places to change marked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::input::{self, FileError};
use super::{CommandResult, say};
use crate::source::platform_folder;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The platform's name: lower-case letters, digits and hyphens
    name: String,
    /// Where platforms are kept
    #[arg(long, value_name = "DIR", default_value = "platforms")]
    dir: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let name = &arguments.name;
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(letters) {
        let what = format!("`{name}` is no platform name; expected lower-case letters, digits and hyphens");
        return Err(FileError::Option { what }.into());
    }
    let folder = arguments.dir.join(name);
    let files: BTreeMap<String, String> = platform_folder(name)?;
    input::write_folder(&folder, &files)?;
    for file in files.keys() {
        say::data(&format!("{}\n", folder.join(file).display()))?;
    }
    let option = if arguments.dir.as_os_str() == "platforms" {
        String::new()
    } else {
        format!(" --platform-dir {}", arguments.dir.display())
    };
    say::note(&format!("try it: zeroos run{option} --platform {name} APP; then change what is marked CHANGE"));
    Ok(ExitCode::SUCCESS)
}
