//! The options that `build` and `run` share, and what they become.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Deserialize;

use super::input::{self, FileError};
use super::project::Project;
use crate::pipeline::BuildRequest;
use crate::plan::{self, CommittedInputs, EntryRequest, GuestFile, PlanRequest};

/// How the program's calls enter the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Entry {
    /// The cheapest that is sound at each call.
    #[default]
    Auto,
    /// A stub for each call, or an error.
    Direct,
    /// Through the trap handler.
    Trap,
}

/// By which rule mmap places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Allocator {
    /// Fresh pages first, then the lowest room that fits (the default).
    FirstFit,
    /// At multiples of the length, rounded up to a power of two.
    Buddy,
    /// Behind all that was mapped before: nothing is used again.
    Bump,
}

#[derive(clap::Args)]
pub(super) struct BuildOptions {
    /// Platform to build for [default: the one that fits the program's addresses]
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// Folder with platforms of your own (`platforms/` here is always searched)
    #[arg(long, value_name = "DIR")]
    pub platform_dir: Vec<PathBuf>,
    /// Argument for the program (repeat for more)
    #[arg(long, value_name = "A", allow_hyphen_values = true)]
    pub arg: Vec<String>,
    /// Environment variable for the program
    #[arg(long, value_name = "K=V")]
    pub env: Vec<String>,
    /// File for the program's file system, by absolute guest path
    #[arg(long, value_name = "GUEST=HOST")]
    pub file: Vec<String>,
    /// Seed of the program's randomness, up to 64 hexadecimal digits [default: zeros]
    #[arg(long, value_name = "HEX")]
    pub seed: Option<String>,
    /// Have this descriptor open from the start for public output, as `/dev/zkvm/output` (3 or more)
    #[arg(long, value_name = "N")]
    pub output_fd: Option<u32>,
    /// How calls enter the kernel
    #[arg(long, value_enum, default_value_t = Entry::Auto)]
    pub entry: Entry,
    /// By which rule mmap places [default: first-fit]
    #[arg(long, value_enum)]
    pub allocator: Option<Allocator>,
    /// Have calls answer EFAULT for pages that do not allow the access, as under Linux (behind a page table it is so anyway):
    /// the kernel executes up to twice as many instructions
    #[arg(long)]
    pub check_access: bool,
    /// Write the generated kernel crate to this folder, too
    #[arg(long, value_name = "DIR")]
    pub emit_source: Option<PathBuf>,
    /// Start the image where it first asks for input, output or its end: all before is done now
    #[arg(long)]
    pub snapshot: bool,
    /// Fail if the program can reach a call that no fragment provides
    #[arg(long)]
    pub deny_missing: bool,
    /// Fail if some call's number cannot be bounded
    #[arg(long)]
    pub deny_unbounded: bool,
}

impl BuildOptions {
    /// The request for the program at `app`, with `zeroos.toml` behind the options; `exports` can be copied out, and what
    /// `zeroos.toml` names.
    ///
    /// # Errors
    /// Options that make no sense, files that cannot be read.
    pub(super) fn request(&self, app: &Path, exports: Vec<String>) -> Result<BuildRequest, FileError> {
        let project = Project::read()?;
        let arguments = [project.args.as_slice(), &self.arg].concat();
        let variables = project.env.iter().map(|(key, value)| format!("{key}={value}"));
        let environment = variables.chain(self.env.iter().cloned()).collect();
        let mut files = Vec::new();
        for (guest, host) in &project.files {
            files.push(guest_file(guest, Path::new(host))?);
        }
        for text in &self.file {
            let Some((guest, host)) = text.split_once('=') else {
                return Err(FileError::Option { what: format!("--file `{text}` is not GUEST=HOST") });
            };
            files.push(guest_file(guest, Path::new(host))?);
        }
        let inputs = CommittedInputs {
            executable_path: executable_path(app),
            arguments,
            environment,
            files,
            seed: seed(self.seed.as_deref().or(project.seed.as_deref()).unwrap_or_default())?,
            start_time_ns: project.start_time_ns.unwrap_or(0),
            output_fd: self.output_fd.or(project.output_fd),
            exports: {
                let mut exports = exports;
                exports.extend(project.out.keys().cloned());
                exports.sort_unstable();
                exports.dedup();
                exports
            },
        };
        let request = PlanRequest {
            entry: match self.entry {
                Entry::Auto => EntryRequest::Auto,
                Entry::Direct => EntryRequest::Direct,
                Entry::Trap => EntryRequest::Trap,
            },
            enosys: project.enosys()?,
            check_access: self.check_access || project.check_access,
            deny_missing: self.deny_missing,
            deny_unbounded: self.deny_unbounded,
            snapshot: self.snapshot || project.snapshot,
            allocator: match self.allocator.or(project.allocator) {
                None | Some(Allocator::FirstFit) => plan::Allocator::FirstFit,
                Some(Allocator::Buddy) => plan::Allocator::Buddy,
                Some(Allocator::Bump) => plan::Allocator::Bump,
            },
        };
        Ok(BuildRequest {
            platform: self.platform.clone().or(project.platform),
            preferred_platforms: Vec::new(),
            platform_directories: platform_directories(&self.platform_dir),
            inputs,
            request,
        })
    }
}

/// Where platforms are looked for: `platforms/` here, then what the user named, later ones first.
pub(super) fn platform_directories(named: &[PathBuf]) -> Vec<PathBuf> {
    [PathBuf::from("platforms")].into_iter().chain(named.iter().cloned()).collect()
}

/// What the program is told as its own path: its file name in `/bin`, so that an image does not depend on where the
/// program lay.
fn executable_path(app: &Path) -> String {
    format!("/bin/{}", app.file_name().map_or_else(|| "program".into(), |name| name.to_string_lossy()))
}

fn guest_file(guest: &str, host: &Path) -> Result<GuestFile, FileError> {
    let contents = input::read(host)?;
    #[cfg(unix)]
    let executable = {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(host).is_ok_and(|metadata| metadata.permissions().mode() & 0o100 != 0)
    };
    #[cfg(not(unix))]
    let executable = false;
    Ok(GuestFile { path: guest.to_owned(), contents, mode: if executable { 0o755 } else { 0o644 } })
}

/// Up to 32 bytes from hexadecimal digits; the rest is zero.
fn seed(text: &str) -> Result<[u8; 32], FileError> {
    let wrong = || FileError::Option {
        what: format!("the seed `{text}` is not an even number of up to 64 hexadecimal digits"),
    };
    // `from_str_radix` takes a sign, so the digits are checked first.
    if text.len() > 64 || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let mut seed = [0; 32];
    for (index, byte) in seed.iter_mut().take(text.len() / 2).enumerate() {
        *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| wrong())?;
    }
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_hexadecimal_and_padded() {
        assert_eq!(seed("").unwrap(), [0; 32]);
        assert_eq!(seed("0aff").unwrap()[..3], [0x0a, 0xff, 0]);
        for wrong in ["0", "zz", "+1", &"00".repeat(33)] {
            assert!(seed(wrong).is_err(), "{wrong}");
        }
    }
}
