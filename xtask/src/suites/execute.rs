//! Runs one case on one side: under `qemu-riscv64`, the reference, or as an image on the built-in machine.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};

use super::case::{Case, CaseAnswers, Outcome, Reading, TestAnswer};
use super::libtest;

/// A run that takes longer has hung. Tests that wait for each other by sleeping take their time under the reference.
const LONGEST: Duration = Duration::from_secs(90);

/// The same for the long ones of `corpus/suites.toml`, and for images, which end by their count of instructions.
const LONGEST_OF_LONG: Duration = Duration::from_secs(1800);

/// How much of what a run said last is kept.
const LAST_WORDS_BYTES: usize = 600;

/// Where a case runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `qemu-riscv64`.
    Reference,
    /// `zeroos run`.
    Image,
}

/// How one process ended.
pub struct Run {
    /// Its standard output.
    pub output: String,
    /// The exit status, `None` if there is none: a signal, a stop or the time limit.
    pub status: Option<i32>,
    /// How it ended and what it said last, in a few lines.
    pub details: String,
}

/// What the answers of `case` on `side` depend on.
pub fn key(case: &Case, side: Side) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    (inputs(case, side)?, &case.input, &case.masked).hash(&mut hasher);
    match side {
        Side::Image => case.most_instructions.hash(&mut hasher),
        Side::Reference if case.is_long => LONGEST_OF_LONG.hash(&mut hasher),
        Side::Reference => {}
    }
    if let Reading::Libtest(names) = &case.reading {
        names.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// The program with what it is given at its start, and the tool.
fn inputs(case: &Case, side: Side) -> Result<u64> {
    let mut hasher = DefaultHasher::new();
    stamp(&case.program)?.hash(&mut hasher);
    (&case.arguments, &case.environment).hash(&mut hasher);
    for (path, source) in &case.files {
        (path, stamp(source)?).hash(&mut hasher);
    }
    if side == Side::Image {
        (stamp(&case.tool)?, &case.platform).hash(&mut hasher);
        for path in &case.system_files {
            stamp(path)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

/// A file's contents, by its place, size and time.
fn stamp(path: &Path) -> Result<(PathBuf, u64, SystemTime)> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok((path.to_path_buf(), metadata.len(), metadata.modified()?))
}

/// Runs `case` on `side`, in `scratch`.
pub fn execute(case: &Case, side: Side, scratch: &Path) -> Result<CaseAnswers> {
    let key = key(case, side)?;
    let mut output = None;
    let tests = match &case.reading {
        Reading::Libtest(names) => {
            libtest::execute(names, |arguments| run(case, arguments, side, scratch)).context(case.name.clone())?
        }
        Reading::Output => {
            let run = run(case, &[], side, scratch)?;
            output = Some(masked(&run.output, &case.masked));
            one(case, run, |status| if status == Some(0) { Outcome::Passed } else { Outcome::Failed })
        }
        Reading::PosixStatus => one(case, run(case, &[], side, scratch)?, posix_outcome),
    };
    Ok(CaseAnswers { key, tests, output })
}

fn one(case: &Case, run: Run, read: fn(Option<i32>) -> Outcome) -> BTreeMap<String, TestAnswer> {
    let answer = TestAnswer { outcome: read(run.status), details: run.details };
    BTreeMap::from([(case.name.clone(), answer)])
}

/// `posixtest.h`: PTS_PASS, PTS_UNSUPPORTED and PTS_UNTESTED; anything else is a failure or unresolved.
fn posix_outcome(status: Option<i32>) -> Outcome {
    match status {
        Some(0) => Outcome::Passed,
        Some(4 | 5) => Outcome::Skipped,
        _ => Outcome::Failed,
    }
}

/// One process: the case's program with its own arguments and `more`.
fn run(case: &Case, more: &[String], side: Side, scratch: &Path) -> Result<Run> {
    let folder = scratch.join("files");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut command = match side {
        Side::Reference => reference(case, more, &folder)?,
        Side::Image => match image(case, more, scratch)? {
            Ok(command) => command,
            Err(details) => return Ok(Run { output: String::new(), status: None, details }),
        },
    };
    let input = scratch.join("input");
    fs::write(&input, &case.input)?;
    let (stdout, stderr) = (scratch.join("stdout"), scratch.join("stderr"));
    command
        .current_dir(&folder)
        .stdin(File::open(&input)?)
        .stdout(File::create(&stdout)?)
        .stderr(File::create(&stderr)?);
    let status = wait(&mut command, if side == Side::Image || case.is_long { LONGEST_OF_LONG } else { LONGEST })?;
    let text = |path: &Path| Ok::<_, anyhow::Error>(String::from_utf8_lossy(&fs::read(path)?).into_owned());
    let (output, errors) = (text(&stdout)?, text(&stderr)?);
    let code = status.and_then(|status| status.code());
    // `zeroos run`: 123 is a stop, 124 the instruction limit, 125 a failure of the tool.
    let code = code.filter(|code| side == Side::Reference || !(123..=125).contains(code));
    let ending = match (status, code) {
        (None, _) => "took too long".to_owned(),
        (_, Some(code)) => format!("status {code}"),
        (Some(status), None) => status.to_string(),
    };
    let details = format!("{ending}\n{}\n{}", last(&output), last(&errors));
    Ok(Run { output, status: code, details: details.trim().to_owned() })
}

fn reference(case: &Case, more: &[String], folder: &Path) -> Result<Command> {
    for (path, source) in &case.files {
        let target = folder.join(path);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        fs::copy(source, target).with_context(|| source.display().to_string())?;
    }
    let mut command = Command::new("qemu-riscv64");
    // The program sees only what the case gives it, as an image does; QEMU itself needs the path.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(["-U", "PATH", "-R", "0x40000000"]);
    for variable in &case.environment {
        command.args(["-E", variable]);
    }
    command.arg(&case.program).args(&case.arguments).args(more);
    Ok(command)
}

/// The image of the case's program with its arguments, made unless it is the last one that was made; or why it cannot be.
fn image(case: &Case, more: &[String], scratch: &Path) -> Result<Result<Command, String>> {
    let (path, key_path) = (scratch.join("image"), scratch.join("image.key"));
    let mut hasher = DefaultHasher::new();
    (inputs(case, Side::Image)?, more).hash(&mut hasher);
    let key = hasher.finish().to_string();
    if fs::read_to_string(&key_path).is_ok_and(|last| last == key) {
        return Ok(Ok(run_image(case, &path)));
    }
    // The clock begins in our time, as the reference's does: tests take it for granted.
    fs::write(scratch.join("zeroos.toml"), "start_time_ns = 1700000000000000000\n")?;
    let mut command = Command::new(&case.tool);
    command.arg("build").arg("-o").arg(&path).current_dir(scratch);
    command.args(case.platform.iter().flat_map(|platform| ["--platform", platform]));
    for variable in &case.environment {
        command.args(["--env", variable]);
    }
    for (path, source) in &case.files {
        command.arg("--file").arg(format!("/{path}={}", source.display()));
    }
    for path in &case.system_files {
        command.arg("--file").arg(format!("{0}={0}", path.display()));
    }
    for argument in case.arguments.iter().chain(more) {
        command.arg(format!("--arg={argument}"));
    }
    let made = command.arg(&case.program).output()?;
    if !made.status.success() {
        return Ok(Err(String::from_utf8_lossy(&made.stderr).into_owned()));
    }
    fs::write(key_path, key)?;
    Ok(Ok(run_image(case, &path)))
}

fn run_image(case: &Case, path: &Path) -> Command {
    let mut command = Command::new(&case.tool);
    command.args(["run", "--max-instructions", &case.most_instructions.to_string()]).arg(path);
    command
}

/// The status of the process, or none if it took too long and was ended.
fn wait(command: &mut Command, longest: Duration) -> Result<Option<ExitStatus>> {
    let mut child = command.spawn().with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > longest {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// `output` without what stands, in a line, in the place of `…` of one of `masks`.
fn masked(output: &str, masks: &[String]) -> String {
    let place = |line: &str, mask: &String| {
        let (before, after) = mask.split_once('…')?;
        let start = line.find(before)? + before.len();
        let end =
            if after.is_empty() { line.trim_end().len().max(start) } else { start + line[start..].find(after)? };
        Some(start..end)
    };
    let mut left = String::new();
    for line in output.split_inclusive('\n') {
        match masks.iter().find_map(|mask| place(line, mask)) {
            Some(place) => left.extend([&line[..place.start], "…", &line[place.end..]]),
            None => left += line,
        }
    }
    left
}

/// The end of `text`, from the start of a line.
fn last(text: &str) -> &str {
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(LAST_WORDS_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = &text[start..];
    match tail.find('\n') {
        Some(end_of_line) if start > 0 => &tail[end_of_line + 1..],
        _ => tail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_begin_with_a_line() {
        let text = format!("first\n{}\nlast\n", "x".repeat(LAST_WORDS_BYTES - 7));
        assert_eq!(last(&text).lines().count(), 2);
        assert_eq!(last("short\n"), "short");
    }

    #[test]
    fn what_is_masked_is_not_compared() {
        let masks = ["took … s".to_owned(), " on …".to_owned()];
        assert_eq!(masked("1\ntook 0.1 s for 3\nHello on Friday", &masks), "1\ntook … s for 3\nHello on …");
        assert_eq!(masked("took 1 h\n\non Friday\n", &masks), "took 1 h\n\non Friday\n");
    }

    #[test]
    fn a_posix_status_is_read() {
        assert_eq!(posix_outcome(Some(0)), Outcome::Passed);
        assert_eq!(posix_outcome(Some(5)), Outcome::Skipped);
        assert_eq!(posix_outcome(Some(2)), Outcome::Failed);
        assert_eq!(posix_outcome(None), Outcome::Failed);
    }
}
