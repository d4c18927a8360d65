//! Runs one guest to its end: output captured, input from a file or empty, and never longer than the limit.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Far above what any example takes, even in an unoptimised build on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// What a finished process left behind.
pub struct Finished {
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// The exit status; 128 + signal if that ended the process, as a shell has it.
    pub status: Option<i32>,
}

/// Runs `command` with standard input from `stdin` (empty if `None`).
///
/// Output goes to files, not pipes: a guest that fills a pipe must not block while nobody reads it.
pub fn run(command: &mut Command, stdin: Option<&Path>) -> Result<Finished, String> {
    let directory = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let (stdout_path, stderr_path) = (directory.path().join("stdout"), directory.path().join("stderr"));
    let create = |path| File::create(path).map_err(|error| format!("{error}"));
    command.stdout(create(&stdout_path)?).stderr(create(&stderr_path)?);
    command.stdin(match stdin {
        Some(path) => Stdio::from(File::open(path).map_err(|error| format!("{}: {error}", path.display()))?),
        None => Stdio::null(),
    });

    let status = wait(command)?;
    Ok(Finished {
        stdout: fs::read(&stdout_path).map_err(|error| error.to_string())?,
        stderr: String::from_utf8_lossy(&fs::read(&stderr_path).map_err(|error| error.to_string())?).into_owned(),
        status: status.code().or(status.signal().map(|signal| 128 + signal)),
    })
}

fn wait(command: &mut Command) -> Result<ExitStatus, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    // A group of its own, so that an emulator started by the program ends with it.
    let mut child = command
        .process_group(0)
        .spawn()
        .map_err(|error| format!("cannot start {program}: {error} (`cargo run -p xtask -- setup` installs it)"))?;
    let started = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if started.elapsed() > LIMIT {
            let group = format!("-{}", child.id());
            Command::new("kill").args(["-KILL", "--", &group]).status().map_err(|error| error.to_string())?;
            child.wait().map_err(|error| error.to_string())?;
            return Err(format!("{program} was still running after {} s", LIMIT.as_secs()));
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}
