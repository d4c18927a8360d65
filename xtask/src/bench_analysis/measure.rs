//! One command with what it cost: wall clock, processor time, peak memory.

use std::io::Read;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

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

/// Runs a command in the repository's root; it must succeed.
pub fn measure(program: &Path, arguments: &[&str], file: &Path, keep_output: bool) -> Result<Cost> {
    let what = || format!("{} {} {}", program.display(), arguments.join(" "), file.display());
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .arg(file)
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .stdout(if keep_output { Stdio::piped() } else { Stdio::null() })
        .spawn()
        .with_context(what)?;
    let mut output = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_end(&mut output).with_context(what)?;
    }
    let (status, usage) = wait(child.id()).with_context(what)?;
    let wall = started.elapsed();
    if !libc::WIFEXITED(status) || libc::WEXITSTATUS(status) != 0 {
        bail!("`{}` failed", what());
    }
    let time = |time: libc::timeval| Duration::from_micros(time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64);
    Ok(Cost {
        wall,
        cpu: time(usage.ru_utime) + time(usage.ru_stime),
        peak_bytes: usage.ru_maxrss as u64 * 1024,
        output,
    })
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
    fn output_and_memory_of_a_command_are_measured() {
        let cost = measure(Path::new("cat"), &["--"], Path::new("Cargo.toml"), true).expect("cat runs");
        assert!(cost.output.starts_with(b"[workspace]"));
        assert!(cost.peak_bytes > 100 * 1024 && cost.cpu <= cost.wall + Duration::from_millis(50));
    }

    #[test]
    fn a_failure_is_an_error() {
        assert!(measure(Path::new("test"), &["-e"], Path::new("no such file"), false).is_err());
    }
}
