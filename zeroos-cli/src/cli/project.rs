//! `zeroos.toml`: what a project always builds with, so that the command line can stay short. Options on the command
//! line add to its lists and replace its single values. Unknown keys are errors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::build_options::Allocator;
use super::input::{self, FileError};
use crate::linux::SyscallNumber;

/// The file that is read from the working directory if it is there.
pub(super) const FILE: &str = "zeroos.toml";

/// What the file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Project {
    /// The platform to build for.
    pub platform: Option<String>,
    /// Arguments of the program.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment of the program.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Committed files: guest path to host path.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Seed of the random stream, hexadecimal.
    pub seed: Option<String>,
    /// The realtime clock at boot, nanoseconds since the Unix epoch.
    pub start_time_ns: Option<u64>,
    /// The descriptor that is open from the start for public output.
    pub output_fd: Option<u32>,
    /// What is copied out of a run: guest path to host path.
    #[serde(default)]
    pub out: BTreeMap<String, String>,
    /// By which rule mmap places.
    pub allocator: Option<Allocator>,
    /// Whether calls look up what each page allows.
    #[serde(default)]
    pub check_access: bool,
    /// Whether images start at their first input or output.
    #[serde(default)]
    pub snapshot: bool,
    /// Decisions about calls.
    #[serde(default)]
    syscalls: Syscalls,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Syscalls {
    /// Names of calls that are answered ENOSYS on purpose.
    #[serde(default)]
    enosys: Vec<String>,
}

impl Project {
    /// The project of the working directory, or an empty one.
    pub(super) fn read() -> Result<Project, FileError> {
        let path = Path::new(FILE);
        if !path.exists() {
            return Ok(Project::default());
        }
        let bytes = input::read(path)?;
        let text = String::from_utf8_lossy(&bytes);
        toml::from_str(&text).map_err(|error| FileError::Option { what: format!("{FILE}: {error}") })
    }

    /// The calls declared to answer ENOSYS.
    pub(super) fn enosys(&self) -> Result<BTreeSet<SyscallNumber>, FileError> {
        let known = |name: &String| {
            SyscallNumber::named(name).ok_or_else(|| FileError::Option {
                what: format!("{FILE}: syscalls.enosys names `{name}`, which is no Linux/riscv64 call"),
            })
        };
        self.syscalls.enosys.iter().map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_and_an_unknown_one_is_refused() {
        let text = "platform = \"spike\"\nargs = [\"a\"]\nenv = { A = \"1\" }\nfiles = { \"/f\" = \"f\" }\nseed = \"00\"\n\
            start_time_ns = 5\noutput_fd = 3\nout = { \"/o\" = \"o\" }\nallocator = \"first-fit\"\n[syscalls]\nenosys = [\"rseq\"]\n";
        let project: Project = toml::from_str(text).unwrap();
        assert_eq!(project.enosys().unwrap(), BTreeSet::from([SyscallNumber(293)]));
        assert!(toml::from_str::<Project>("arguments = []").is_err());
    }
}
