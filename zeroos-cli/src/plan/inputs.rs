//! Committed inputs: what the program is given at build time and what therefore is part of what an image proves.

use super::PlanError;
use super::arguments::Names;

/// Arguments, environment, files, randomness and time.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommittedInputs {
    /// `argv[0]` and the path the program is told as its own.
    pub executable_path: String,
    /// `argv[1..]`
    pub arguments: Vec<String>,
    /// `KEY=VALUE`
    pub environment: Vec<String>,
    /// Files of the in-memory tree.
    pub files: Vec<GuestFile>,
    /// Seed of the random stream.
    pub seed: [u8; 32],
    /// The realtime clock at boot, nanoseconds since the Unix epoch.
    pub start_time_ns: u64,
    /// The descriptor that is open from the start for public output, if one is to be.
    pub output_fd: Option<u32>,
    /// Absolute guest paths of the files and directories that can be copied out when the program has ended.
    pub exports: Vec<String>,
}

/// A committed file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct GuestFile {
    /// Absolute, normalised guest path.
    pub path: String,
    /// What it holds.
    pub contents: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
}

/// Linux's limit on one argument or variable, bytes (MAX_ARG_STRLEN: 32 pages).
const LONGEST_STRING: usize = 32 * 4096;
/// The first descriptor that is no standard stream.
const FIRST_FREE_DESCRIPTOR: u32 = 3;
/// RLIMIT_NOFILE of a new process, as the kernel has it (`subsystems/descriptors.rs`).
const DESCRIPTOR_LIMIT: u32 = 1024;
/// PATH_MAX, bytes with the final NUL.
const LONGEST_PATH: usize = 4096;

impl CommittedInputs {
    /// `names`, and what arguments, variables and files name.
    pub(super) fn and_names(&self, names: Names) -> Names {
        let texts = self.arguments.iter().chain(&self.environment).map(|text| text.as_bytes());
        texts.chain(self.files.iter().map(|file| &file.contents[..])).fold(names, Names::and)
    }

    /// Checks what the program could not be given, or not find.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let wrong = |what: String| Err(PlanError::Input { what });
        for text in [&self.executable_path].into_iter().chain(&self.arguments).chain(&self.environment) {
            if text.contains('\0') {
                return wrong(format!("`{}` contains a NUL byte, which ends a C string", text.escape_debug()));
            }
            if text.len() >= LONGEST_STRING {
                return wrong(format!(
                    "an argument or variable is {} bytes long; Linux allows {LONGEST_STRING}",
                    text.len()
                ));
            }
        }
        if let Some(variable) = self.environment.iter().find(|variable| variable.find('=').is_none_or(|at| at == 0)) {
            return wrong(format!("the environment entry `{variable}` is not KEY=VALUE"));
        }
        if let Some(fd) = self.output_fd.filter(|fd| !(FIRST_FREE_DESCRIPTOR..DESCRIPTOR_LIMIT).contains(fd)) {
            return wrong(format!(
                "the descriptor for public output is {fd}; it must be from {FIRST_FREE_DESCRIPTOR}, behind the standard \
                 streams, to {}",
                DESCRIPTOR_LIMIT - 1
            ));
        }
        for path in self.files.iter().map(|file| &file.path).chain(&self.exports) {
            let parts: Vec<&str> = path.split('/').skip(1).collect();
            if !path.starts_with('/') || path.len() >= LONGEST_PATH || path.contains('\0') {
                return wrong(format!(
                    "the guest path `{path}` must be absolute and shorter than {LONGEST_PATH} bytes"
                ));
            }
            if parts.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
                return wrong(format!("the guest path `{path}` must name a file, without empty, `.` or `..` parts"));
            }
        }
        let mut exports: Vec<&String> = self.exports.iter().collect();
        exports.sort_unstable();
        if let Some(pair) = exports.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("the guest path `{}` is to be copied out twice", pair[0]));
        }
        let mut paths: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        paths.sort_unstable();
        if let Some(pair) = paths.windows(2).find(|pair| pair[0] == pair[1]) {
            return wrong(format!("the guest path `{}` is given twice", pair[0]));
        }
        if let Some(pair) = paths.iter().find(|path| paths.iter().any(|other| other.starts_with(&format!("{path}/")))) {
            return wrong(format!("the guest path `{pair}` is both a file and a directory of another one"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_files(paths: &[&str]) -> Result<(), PlanError> {
        let file = |path: &&str| GuestFile { path: path.to_string(), contents: Vec::new(), mode: 0o644 };
        CommittedInputs { files: paths.iter().map(file).collect(), ..CommittedInputs::default() }.check()
    }

    #[test]
    fn guest_paths_are_absolute_normal_and_distinct() {
        assert!(with_files(&["/etc/a", "/etc/b"]).is_ok());
        for paths in [&["a"][..], &["/"], &["/a/"], &["/a/../b"], &["/a", "/a"], &["/a", "/a/b"]] {
            assert!(with_files(paths).is_err(), "{paths:?}");
        }
    }

    #[test]
    fn what_is_copied_out_has_a_path_like_a_file() {
        let check = |paths: &[&str]| {
            let exports = paths.iter().map(|path| path.to_string()).collect();
            CommittedInputs { exports, ..CommittedInputs::default() }.check()
        };
        assert!(check(&["/a", "/a/b"]).is_ok());
        for paths in [&["a"][..], &["/"], &["/a/"], &["/a/../b"], &["/a", "/a"]] {
            assert!(check(paths).is_err(), "{paths:?}");
        }
    }

    #[test]
    fn the_output_descriptor_is_a_free_one() {
        let check = |fd| CommittedInputs { output_fd: fd, ..CommittedInputs::default() }.check();
        for fd in [None, Some(3), Some(1023)] {
            assert!(check(fd).is_ok());
        }
        for fd in [0, 2, 1024, u32::MAX] {
            assert!(check(Some(fd)).is_err_and(|error| error.to_string().contains(&fd.to_string())));
        }
    }

    #[test]
    fn an_environment_entry_has_a_key() {
        let inputs = |entry: &str| CommittedInputs { environment: vec![entry.into()], ..CommittedInputs::default() };
        assert!(inputs("A=").check().is_ok());
        assert!(inputs("A").check().is_err());
        assert!(inputs("=A").check().is_err());
    }
}
