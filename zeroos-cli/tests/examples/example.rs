//! One example as its `example.toml` describes it, and the ways to run it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::process;

/// The largest count any example needs is a few hundred million; a guest that spins ends here instead of hanging.
const INSTRUCTION_LIMIT: &str = "4000000000";

/// `example.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[expect(dead_code, reason = "for readers and for examples/README.md")]
    shows: String,
    #[expect(dead_code, reason = "read by `xtask rebuild-examples`")]
    build: Option<toml::Table>,
    run: Vec<Run>,
}

/// One run of the program: what goes in and what has to come out. Paths are relative to the example's directory.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    name: String,
    #[serde(default)]
    args: Vec<String>,
    /// The file given as standard input; none means empty input.
    stdin: Option<PathBuf>,
    /// `GUEST=HOST`, as for `--file`.
    #[serde(default)]
    files: Vec<String>,
    /// The file that holds the expected standard output, byte for byte.
    stdout: PathBuf,
    /// The file that holds what it writes to `/dev/zkvm/output` at its end; nothing if it is left out.
    public_output: Option<PathBuf>,
    #[serde(default)]
    exit_status: i32,
}

/// How a binary is executed.
#[derive(Clone, Copy)]
pub enum Way {
    /// The original program under QEMU's Linux user mode emulation: the independent reference.
    LinuxEmulator,
    /// `zeroos run` as a user types it: default platform, built-in machine, a stub for each call.
    Builtin,
    /// The same with every call through the trap handler.
    BuiltinByTraps,
    /// The platform of the zkVM standard's target, which has no atomic, compressed or floating-point instructions.
    ZkvmStandard,
}

/// A directory under `examples/`.
pub struct Example {
    name: String,
    directory: PathBuf,
    description: Description,
}

/// The repository's `examples/`.
pub fn examples_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// `qemu-riscv64` running the program at `path`, with an empty environment, as an image has one unless told otherwise.
///
/// The reserved region keeps the program's memory low, so that static-PIE programs load on any host.
pub fn linux_emulator(path: &Path) -> Command {
    let mut command = Command::new("qemu-riscv64");
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", search_path).args(["-U", "PATH", "-R", "0x40000000"]).arg(path);
    command
}

/// `zeroos run` with `options`, ready for the program's path and arguments.
pub fn zeroos_run(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zeroos"));
    command.arg("run").args(options).args(["--max-instructions", INSTRUCTION_LIMIT]);
    command
}

impl Example {
    /// Reads `examples/<name>/example.toml`.
    pub fn read(name: &str) -> Self {
        let directory = examples_directory().join(name);
        let path = directory.join("example.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let description = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Example { name: name.to_owned(), directory, description }
    }

    /// The names of the prebuilt binaries, in order.
    pub fn binaries(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.directory.join("bin"))
            .unwrap_or_else(|error| panic!("{}/bin: {error}", self.name))
            .map(|entry| entry.expect("bin/ can be listed").file_name().into_string().expect("names are UTF-8"))
            .collect();
        names.sort();
        assert!(!names.is_empty(), "{}/bin is empty", self.name);
        names
    }

    /// Those of them that need neither compressed instructions nor floating point.
    pub fn narrow_binaries(&self) -> Vec<String> {
        self.binaries().into_iter().filter(|name| name == "ima-pie").collect()
    }

    /// Runs each of `binaries` in each way and reports everything that differs from the description at once.
    pub fn check(&self, binaries: &[String], ways: &[Way]) {
        let mut failures = Vec::new();
        for binary in binaries {
            for run in &self.description.run {
                for &way in ways {
                    if let Err(failure) = self.check_run(binary, run, way) {
                        failures.push(failure);
                    }
                }
            }
        }
        assert!(failures.is_empty(), "{} failure(s)\n\n{}", failures.len(), failures.join("\n\n"));
    }

    fn check_run(&self, binary: &str, run: &Run, way: Way) -> Result<(), String> {
        let path = Path::new("bin").join(binary);
        let mut command = match way {
            Way::LinuxEmulator => linux_emulator(&path),
            Way::Builtin => zeroos_run(&["--entry", "direct"]),
            Way::BuiltinByTraps => zeroos_run(&["--entry", "trap"]),
            Way::ZkvmStandard => zeroos_run(&["--platform", "zkvm-standard"]),
        };
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
        let public_output = folder.path().join("public");
        if matches!(way, Way::ZkvmStandard) {
            command.arg("--public-output").arg(&public_output);
        }
        if !matches!(way, Way::LinuxEmulator) {
            for file in &run.files {
                command.args(["--file", file]);
            }
            command.arg("--").arg(&path);
        }
        command.args(&run.args).current_dir(&self.directory);

        let what = format!("{} ({}): {command:?}", self.name, run.name);
        let stdin = run.stdin.as_ref().map(|stdin| self.directory.join(stdin));
        let finished = process::run(&mut command, stdin.as_deref()).map_err(|error| format!("{what}\n  {error}"))?;
        let read = |path: &Path| fs::read(path).map_err(|error| format!("{what}\n  {}: {error}", path.display()));
        let mut expected = read(&self.directory.join(&run.stdout))?;
        let public = run.public_output.as_ref().map(|path| read(&self.directory.join(path))).transpose()?;
        let public = public.unwrap_or_default();
        match way {
            Way::LinuxEmulator => {}
            // Its console is all that the platform has.
            Way::Builtin | Way::BuiltinByTraps => expected.extend(public),
            Way::ZkvmStandard => {
                let written = read(&public_output)?;
                if written != public {
                    let written = String::from_utf8_lossy(&written);
                    return Err(format!("{what}\n  another public output than expected:\n{written}"));
                }
            }
        }
        if finished.stdout == expected && finished.status == Some(run.exit_status) {
            return Ok(());
        }
        Err(format!(
            "{what}\n  exit status {:?}, expected {}\n--- stdout:\n{}--- expected:\n{}--- stderr:\n{}",
            finished.status,
            run.exit_status,
            String::from_utf8_lossy(&finished.stdout),
            String::from_utf8_lossy(&expected),
            finished.stderr,
        ))
    }
}
