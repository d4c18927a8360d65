//! One command with what it cost: wall clock, processor time, peak memory.
//!
//! Linux counts what a process used before its `execve` as its own, which at first is the memory of the process that
//! started it (getrusage(2), `ru_maxrss`). So a small process between the two starts the command and waits for it.

use std::ffi::OsString;
use std::io::Read;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// What a command cost.
pub struct Cost {
    /// From start to end.
    pub wall: Duration,
    /// User and system time.
    pub cpu: Duration,
    /// The largest resident set.
    pub peak_bytes: u64,
    /// What it wrote to standard output.
    pub output: Vec<u8>,
}

/// What the process between tells of the command.
#[derive(Serialize, Deserialize)]
struct Used {
    wall: Duration,
    cpu: Duration,
    peak_bytes: u64,
}

/// The command line word by which this program is the process between.
pub const BETWEEN: &str = "measured";

/// Runs a command in the repository's root; it must succeed.
pub fn measure(program: &Path, arguments: &[&str], file: &Path, keep_output: bool) -> Result<Cost> {
    let what = || format!("{} {} {}", program.display(), arguments.join(" "), file.display());
    let report = crate::root().join("target/bench/measured.json");
    std::fs::create_dir_all(crate::root().join("target/bench"))?;
    let mut between = Command::new(std::env::current_exe()?)
        .args([Path::new(BETWEEN), &report, program])
        .args(arguments)
        .arg(file)
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(if keep_output { Stdio::piped() } else { Stdio::null() })
        .spawn()
        .with_context(what)?;
    let mut output = Vec::new();
    if let Some(mut stdout) = between.stdout.take() {
        stdout.read_to_end(&mut output).with_context(what)?;
    }
    if !between.wait()?.success() {
        bail!("`{}` failed", what());
    }
    let Used { wall, cpu, peak_bytes } = serde_json::from_slice(&std::fs::read(report)?).with_context(what)?;
    Ok(Cost { wall, cpu, peak_bytes, output })
}

/// The process between: runs the command that follows the path of the report.
pub fn run_measured(mut words: impl Iterator<Item = OsString>) -> Result<()> {
    let (report, program) = words.next().zip(words.next()).context("a report and a program")?;
    let started = Instant::now();
    let child = Command::new(&program).args(words).spawn().with_context(|| program.display().to_string())?;
    let (status, usage) = wait(child.id())?;
    let wall = started.elapsed();
    if !ExitStatus::from_raw(status).success() {
        bail!("{} failed", program.display());
    }
    let time = |time: libc::timeval| Duration::from_micros(time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64);
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    let used = Used { wall, cpu, peak_bytes: usage.ru_maxrss as u64 * 1024 };
    Ok(std::fs::write(report, serde_json::to_vec(&used)?)?)
}

/// Several runs of the same command: the one with the median wall clock.
pub fn median(times: usize, run: impl Fn() -> Result<Cost>) -> Result<Cost> {
    let mut costs = (0..times.max(1)).map(|_| run()).collect::<Result<Vec<Cost>>>()?;
    costs.sort_by_key(|cost| cost.wall);
    let middle = costs.len() / 2;
    Ok(costs.swap_remove(middle))
}

/// `wait4(2)`: the standard library's wait does not tell what the child used.
fn wait(id: u32) -> Result<(i32, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to locals of the types that the call writes.
    let waited = unsafe { libc::wait4(id as libc::pid_t, &mut status, 0, usage.as_mut_ptr()) };
    if waited != id as libc::pid_t {
        bail!("wait4: {}", std::io::Error::last_os_error());
    }
    // SAFETY: it was zeroed, which is a valid value of a structure of integers, and then written by the call.
    Ok((status, unsafe { usage.assume_init() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_memory_of_a_command_are_measured() {
        let report = std::env::temp_dir().join(format!("measured-{}.json", std::process::id()));
        let words = [report.as_os_str(), "cat".as_ref(), "Cargo.toml".as_ref()].map(OsString::from);
        run_measured(words.into_iter()).expect("cat runs");
        let used: Used = serde_json::from_slice(&std::fs::read(&report).expect("a report")).expect("JSON");
        assert!(used.peak_bytes > 100 * 1024 && used.cpu <= used.wall + Duration::from_millis(50));
        std::fs::remove_file(report).expect("the report was there");
    }

    #[test]
    fn a_failure_is_an_error() {
        let words = ["/dev/null", "test", "-e", "no such file"].map(OsString::from);
        assert!(run_measured(words.into_iter()).is_err());
    }
}
