//! Runs the `zeroos` under test in a folder of its own, and builds the small guest programs that the tests are about.
#![allow(dead_code, reason = "every test file uses the part it needs")]

pub mod guests;
pub mod random;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what any of these runs takes, even in an unoptimised build on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// The cross compiler of Debian; `cargo run -p xtask -- setup` installs it.
const COMPILER: &str = "riscv64-linux-gnu-gcc";

/// What a finished process left behind.
#[derive(Debug)]
pub struct Finished {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Finished {
    /// Standard output as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("the output is UTF-8")
    }

    /// Asserts the exit status, showing what was said otherwise.
    #[track_caller]
    pub fn exits(self, status: i32) -> Finished {
        assert_eq!(self.status, status, "stdout:\n{}stderr:\n{}", String::from_utf8_lossy(&self.stdout), self.stderr);
        self
    }

    /// Asserts that standard error contains all of `parts`.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Finished {
        for part in parts {
            assert!(self.stderr.contains(part), "expected `{part}` in:\n{}", self.stderr);
        }
        self
    }
}

/// An empty folder in which the tool is run: nothing of the repository is below or above it.
pub struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    pub fn new() -> Workplace {
        Workplace { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file here.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("folders can be made");
        fs::write(&path, bytes).expect("the temporary folder can be written");
        path
    }

    /// The names in the folder, in order.
    pub fn listing(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the temporary folder can be listed");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// `zeroos ARGUMENTS`, to be run here; kernels are compiled once for all tests.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zeroos"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("ZEROOS_CACHE_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("kernels"));
        command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command
    }

    /// Runs `zeroos ARGUMENTS` here with no input.
    pub fn zeroos(&self, arguments: &[&str]) -> Finished {
        finish(&mut self.command(arguments), b"")
    }

    /// Runs `zeroos ARGUMENTS` here with `input` on standard input.
    pub fn zeroos_with_input(&self, arguments: &[&str], input: &[u8]) -> Finished {
        finish(&mut self.command(arguments), input)
    }

    /// Makes platform `name`, as `new-platform` does, with these changes of its `platform.toml`.
    pub fn platform(&self, name: &str, changes: &[(&str, &str)]) {
        self.zeroos(&["new-platform", name]).exits(0);
        let file = self.path(&format!("platforms/{name}/platform.toml"));
        let mut text = fs::read_to_string(&file).expect("the platform was just made");
        for (from, to) in changes {
            assert!(text.contains(from), "expected `{from}` in:\n{text}");
            text = text.replace(from, to);
        }
        fs::write(&file, text).expect("the platform's folder can be written");
    }

    /// Makes the platform `plain`: rv64imac without CSRs, whose kernels keep in memory what they keep in CSRs elsewhere.
    pub fn platform_without_csrs(&self) {
        self.platform("plain", &[("ecall = \"mtvec\"", "ecall = \"host-call\""), ("\"rv64gc\"", "\"rv64imac\"")]);
    }

    /// Runs a program by `zeroos run --stats`; also returns the parsed counts.
    pub fn stats(&self, options: &[&str], app: &str, input: &[u8]) -> (Finished, serde_json::Value) {
        let file = self.path("stats.json");
        let file = file.to_str().expect("the path is UTF-8");
        let arguments = [&["run", "--stats", file], options, &["--", app]].concat();
        let finished = self.zeroos_with_input(&arguments, input);
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{error}\n{}", finished.stderr));
        let stats = serde_json::from_str(&text).expect("the counts are JSON");
        (finished, stats)
    }

    /// Compiles `source` (C, or assembly if the name ends in `.S`) without any library into a static program at the
    /// linker's default address, or into a movable one if `flags` say `-static-pie`. The program's path.
    pub fn guest(&self, name: &str, source: &str, flags: &[&str]) -> String {
        let source = self.write(name, source);
        let program = source.with_extension("elf");
        let mut compiler = Command::new(COMPILER);
        if flags.contains(&"-static-pie") {
            // The compiler's specs for RISC-V name an interpreter even here.
            compiler.args(["-fpie", "-Wl,--no-dynamic-linker"]);
        } else {
            compiler.arg("-static");
        }
        compiler.args(["-nostdlib", "-march=rv64gc", "-mabi=lp64d", "-O1", "-fno-stack-protector"]);
        compiler.args(["-fno-builtin", "-Wl,--build-id=none", "-o"]).arg(&program).arg(&source).args(flags);
        let compiled = finish(&mut compiler, b"");
        assert_eq!(compiled.status, 0, "{compiler:?}\n{}", compiled.stderr);
        program.to_str().expect("the path is UTF-8").to_owned()
    }
}

/// The path of a file below the repository's `examples/`.
pub fn example(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(path);
    path.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", path.display())).display().to_string()
}

/// Runs `command` to its end with `input` on standard input. Output goes to files, not pipes: nobody has to read.
pub fn finish(command: &mut Command, input: &[u8]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = |name: &str| folder.path().join(name);
    fs::write(file("stdin"), input).expect("the temporary folder can be written");
    let create = |name: &str| File::create(file(name)).expect("the temporary folder can be written");
    let mut child = command
        .stdin(File::open(file("stdin")).map_or_else(|_| Stdio::null(), Stdio::from))
        .stdout(create("stdout"))
        .stderr(create("stderr"))
        .spawn()
        .unwrap_or_else(|error| {
            panic!("{command:?}: {error} (`cargo run -p xtask -- setup` installs what is missing)")
        });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the process can be waited for") {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("the process can be ended");
            panic!("{command:?} was still running after {} s", LIMIT.as_secs());
        }
        thread::sleep(Duration::from_millis(5));
    };
    Finished {
        status: status.code().unwrap_or_else(|| panic!("{command:?}: {status}")),
        stdout: fs::read(file("stdout")).expect("it was just written"),
        stderr: String::from_utf8_lossy(&fs::read(file("stderr")).expect("it was just written")).into_owned(),
    }
}
