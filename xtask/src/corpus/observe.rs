//! Which calls a program really makes: a run under `qemu-riscv64 -d strace`, and its log read. Used by `xtask` and by
//! `zeroos-cli/tests/analysis_soundness.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A call as the log names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
    /// By its Linux name.
    Named(String),
    /// QEMU has no name for it.
    Number(u64),
}

/// A run that takes longer has hung.
const LIMIT: Duration = Duration::from_secs(120);

/// The calls that `program` and its children make when [`log`] runs it; a run without any call is an error, because then
/// the log was not understood.
pub fn calls(program: &Path, arguments: &[String], input: &[u8], directory: &Path) -> Result<BTreeSet<Call>, String> {
    let log = log(program, arguments, input, directory)?;
    let calls = in_log(&log);
    match calls.len() {
        0 | 1 => Err(format!("{} made no calls, or the log was not understood:\n{log}", program.display())),
        _ => Ok(calls),
    }
}

/// Runs `program` in `directory` and returns the log of the calls that it and its children made. What it prints is
/// dropped, and its exit status is its own business.
pub fn log(program: &Path, arguments: &[String], input: &[u8], directory: &Path) -> Result<String, String> {
    let what = || format!("{} {arguments:?}", program.display());
    let logs = Logs::new()?;
    let mut child = Command::new("qemu-riscv64")
        .args(["-R", "0x40000000", "-d", "strace,tid", "-D"])
        .arg(logs.0.join("%d"))
        .arg(program)
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("`qemu-riscv64` does not start ({error}); it is in Debian's qemu-user"))?;
    let mut stdin = child.stdin.take();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        // A program that ends without reading its input closes the pipe: that is its business.
        stdin.as_mut().map(|stdin| stdin.write_all(&input))
    });
    let started = Instant::now();
    while child.try_wait().map_err(|error| error.to_string())?.is_none() {
        if started.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{} runs longer than {LIMIT:?}", what()));
        }
        thread::sleep(Duration::from_millis(2));
    }
    let _ = writer.join();
    logs.text().map_err(|error| format!("{}: {error}", what()))
}

/// A folder for QEMU's logs, one file a thread, so that no line is torn by another thread's; gone with this value.
struct Logs(PathBuf);

impl Logs {
    fn new() -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("zeroos-observe-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Logs(folder))
    }

    /// All of them, one behind the other.
    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        for entry in fs::read_dir(&self.0)? {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry?.path())?));
            text.push('\n');
        }
        Ok(text)
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The calls in a log of `-d strace`: `<pid> name(…)` or `<pid> Unknown syscall N`. A forked process writes into its
/// parent's file, between a call's start and its result, so every place that looks like the start of a call counts.
pub fn in_log(log: &str) -> BTreeSet<Call> {
    let mut calls = BTreeSet::new();
    for (place, _) in log.match_indices(' ') {
        if !log[..place].ends_with(|last: char| last.is_ascii_digit()) {
            continue;
        }
        let rest = &log[place + 1..];
        if let Some(number) = rest.strip_prefix("Unknown syscall ") {
            let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
            calls.extend(digits.parse().ok().map(Call::Number));
            continue;
        }
        let name: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect();
        if !name.is_empty() && rest[name.len()..].starts_with('(') {
            calls.insert(Call::Named(linux_name(&name).to_owned()));
        }
    }
    calls
}

/// QEMU names some calls after other architectures'.
fn linux_name(name: &str) -> &str {
    match name {
        "fstatat64" => "newfstatat",
        "getdents" => "getdents64",
        "pread" => "pread64",
        "pwrite" => "pwrite64",
        "prlimit" => "prlimit64",
        "_newselect" => "pselect6",
        "sys_futex" => "futex",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_with_processes_writing_between_each_other_is_read() {
        let log =
            "12 clone(0x7d0f00,child_stack=0x40) = 1313 set_robust_list(1,24) = 0\n = 13\n12 Unknown syscall 258\n";
        let expected = [Call::Named("clone".into()), Call::Named("set_robust_list".into()), Call::Number(258)];
        assert_eq!(in_log(log), expected.into());
    }

    #[test]
    fn other_architectures_names_become_linux_names() {
        assert_eq!(in_log("7 fstatat64(3,\"a\") = 0\n"), [Call::Named("newfstatat".into())].into());
    }
}
