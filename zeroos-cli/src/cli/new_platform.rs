//! `zeroos new-platform`: a platform folder that builds and runs at once, with the places to change marked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use super::build_options::platform_directories;
use super::input::{self, FileError};
use super::{CommandResult, say};
use crate::platform::PlatformRegistry;
use crate::source::platform_folder;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The platform's name: lower-case letters, digits and hyphens
    name: String,
    /// The platform to begin with, as it is; the built-in machine's simplest otherwise
    #[arg(long, value_name = "PLATFORM")]
    from: Option<String>,
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
    let mut files: BTreeMap<String, String> = platform_folder(name, arguments.from.as_deref())?;
    if let Some(from) = &arguments.from {
        let known = PlatformRegistry::discover(&platform_directories(std::slice::from_ref(&arguments.dir)))?;
        let (toml, source) = known.texts(from)?;
        // Checked before anything is written: what cannot be read is no beginning.
        known.load(from)?;
        // A platform's own name is its folder's.
        let toml: String = toml.replacen(&format!("\"{from}\""), &format!("\"{name}\""), 1);
        files.insert("platform.toml".into(), toml);
        files.insert("platform.rs".into(), source);
    }
    input::write_folder(&folder, &files)?;
    for file in files.keys() {
        say::data(&format!("{}\n", folder.join(file).display()))?;
    }
    let option = if arguments.dir.as_os_str() == "platforms" {
        String::new()
    } else {
        format!(" --platform-dir {}", arguments.dir.display())
    };
    let next = if arguments.from.is_some() { "then see its README.md" } else { "then change what is marked CHANGE" };
    say::note(&format!("try it: zeroos run{option} --platform {name} APP; {next}"));
    Ok(ExitCode::SUCCESS)
}
