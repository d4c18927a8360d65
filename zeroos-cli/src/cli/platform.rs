//! `zeroos platform check`: a small program is built for a platform and run there, once for each thing that the contract
//! promises. Each run is a `zeroos run` of its own, as a user would start it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::build_options::platform_directories;
use super::input::FileError;
use super::{CommandResult, FAILURE, say};
use crate::compile::{KernelCache, Toolchain, compile_program};
use crate::platform::{Misaligned, Platform, PlatformRegistry};
use crate::{assets, source};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Build and run a set of small programs on a platform, and say which promise is not kept
    Check(CheckArguments),
}

#[derive(clap::Args)]
struct CheckArguments {
    /// The platform
    name: String,
    /// Folder with platforms of your own (`platforms/` here is always searched)
    #[arg(long, value_name = "DIR")]
    platform_dir: Vec<PathBuf>,
    /// What to run on, as `zeroos run --engine` takes it
    #[arg(long, default_value = "builtin")]
    engine: String,
}

/// Instructions after which a check that hangs is ended.
const MOST_INSTRUCTIONS: &str = "400000000";
/// Exit status of `run` when the tool, not the guest, failed.
const TOOL_FAILED: i32 = 125;
/// Exit status of `run` at the instruction limit.
const LIMIT: i32 = 124;

pub(super) fn execute(arguments: &Arguments) -> CommandResult {
    let Action::Check(arguments) = &arguments.action;
    let registry = PlatformRegistry::discover(&platform_directories(&arguments.platform_dir))?;
    let platform = registry.load(&arguments.name)?;
    let toolchain = Toolchain::find()?;
    let program = compile_program(
        assets::template("check/program.rs"),
        platform.keeps_code_apart().then(|| assets::template("apart.ld")),
        source::target(&platform),
        &toolchain,
        &KernelCache::of_user(),
    )?;
    let folder = tempfile::tempdir().map_err(|error| scratch(&error))?;
    let bench = Bench { arguments, folder: folder.path() };
    bench.put("program", &program)?;

    let mut failed = 0;
    for (name, check) in CHECKS {
        let verdict = check(&bench, &platform)?;
        let line = match verdict {
            Verdict::Kept(what) => format!("ok      {name:<12} {what}\n"),
            Verdict::Broken(what) => {
                failed += 1;
                format!("FAILED  {name:<12} {what}\n")
            }
        };
        say::data(&line)?;
    }
    let engine = &arguments.engine;
    let count = CHECKS.len();
    if failed == 0 {
        say::data(&format!("platform {} on engine {engine}: all {count} checks passed\n", platform.name))?;
        return Ok(ExitCode::SUCCESS);
    }
    say::data(&format!("platform {} on engine {engine}: {failed} of {count} checks failed\n", platform.name))?;
    Ok(ExitCode::from(FAILURE))
}

/// What a check comes to: a promise and how it was seen to be kept, or what was found and what was expected.
enum Verdict {
    Kept(String),
    Broken(String),
}

type Check = fn(&Bench<'_>, &Platform) -> Result<Verdict, FileError>;

/// The contract, one line each.
const CHECKS: [(&str, Check); 11] = [
    ("image", image),
    ("boot", boot),
    ("console", console),
    ("exit", exit),
    ("input", input),
    ("output", output),
    ("big image", big_image),
    ("memory", memory),
    ("threads", threads),
    ("illegal", illegal),
    ("misaligned", misaligned),
];

/// Where checks are made.
struct Bench<'a> {
    arguments: &'a CheckArguments,
    folder: &'a Path,
}

/// How a run ended.
struct Finished {
    status: i32,
    output: Vec<u8>,
    errors: String,
}

impl Bench<'_> {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        std::fs::write(self.folder.join(name), bytes).map_err(|error| scratch(&error))
    }

    /// The bytes of a file here; none if it was not written.
    fn get(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.join(name)).unwrap_or_default()
    }

    /// `zeroos COMMAND … program WORDS` for the platform, with `stdin`.
    fn zeroos(&self, command: &[&str], words: &[&str], stdin: &[u8]) -> Result<Finished, FileError> {
        self.put("stdin", stdin)?;
        let file = std::fs::File::open(self.folder.join("stdin")).map_err(|error| scratch(&error))?;
        let this = std::env::current_exe().map_err(|error| scratch(&error))?;
        // Folders with platforms are named from where the user is.
        let here = std::env::current_dir().unwrap_or_default();
        let mut process = Command::new(this);
        process.current_dir(self.folder).stdin(Stdio::from(file)).args(command);
        process.args(["--platform", &self.arguments.name]).arg("--platform-dir").arg(here.join("platforms"));
        for folder in &self.arguments.platform_dir {
            process.arg("--platform-dir").arg(here.join(folder));
        }
        let finished = process.arg("program").args(words).output().map_err(|error| scratch(&error))?;
        Ok(Finished {
            status: finished.status.code().unwrap_or(TOOL_FAILED),
            output: finished.stdout,
            errors: String::from_utf8_lossy(&finished.stderr).into_owned(),
        })
    }

    /// Runs the program with `words`.
    fn run(&self, options: &[&str], words: &[&str], stdin: &[u8]) -> Result<Finished, FileError> {
        let engine = &self.arguments.engine;
        let mut command = vec!["run", "--engine", engine];
        if engine == "builtin" {
            command.extend(["--max-instructions", MOST_INSTRUCTIONS]);
        }
        command.extend(options);
        self.zeroos(&command, words, stdin)
    }
}

impl Finished {
    /// The run ended with `status`, or what happened.
    fn ended(&self, status: i32) -> Result<(), String> {
        if self.status == status {
            return Ok(());
        }
        let errors = || self.errors.lines().filter(|line| line.starts_with("error"));
        let said = errors().next().or_else(|| self.errors.lines().next_back()).unwrap_or_default();
        let by = if self.status == TOOL_FAILED { "the run failed" } else { "the run ended" };
        Err(format!(
            "{by} with status {}, expected {status}{}{said}",
            self.status,
            if said.is_empty() { "" } else { ": " }
        ))
    }
}

impl Finished {
    /// What is wrong with a run that was to fail, if it is not the run that failed.
    fn never_ended(&self) -> Option<String> {
        match self.status {
            LIMIT => {
                Some(format!("the run went on for more than {MOST_INSTRUCTIONS} instructions, expected it to end"))
            }
            TOOL_FAILED => {
                Some(format!("the run could not be made: {}", self.errors.lines().next().unwrap_or_default()))
            }
            _ => None,
        }
    }
}

fn verdict(result: Result<(), String>, kept: impl Into<String>) -> Verdict {
    match result {
        Ok(()) => Verdict::Kept(kept.into()),
        Err(broken) => Verdict::Broken(broken),
    }
}

/// `found` is what was expected of `what`.
fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let show = |bytes: &[u8]| match bytes.len() {
        0..=40 => format!("{:?}", String::from_utf8_lossy(bytes)),
        count => format!("{count} bytes"),
    };
    let mut text = format!("{what} is {}, expected {}", show(found), show(expected));
    if let Some(at) = found.iter().zip(expected).position(|(found, expected)| found != expected) {
        let _ = write!(text, "; they differ from byte {at} on");
    }
    Err(text)
}

/// The image can be made: the loader's rules hold, and where no trap may be there is none.
fn image(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let built = bench.zeroos(&["build", "-o", "image"], &[], b"")?;
    let notes = built.errors.lines().next_back().unwrap_or_default();
    Ok(match built.status {
        0 => Verdict::Kept(notes.trim_start_matches("note: image: ").to_owned()),
        _ => Verdict::Broken(built.errors.lines().collect::<Vec<_>>().join(" ")),
    })
}

fn boot(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["boot"], b"")?;
    Ok(verdict(finished.ended(0), "data is loaded, the rest is zero, both can be written"))
}

/// A machine with one console may send both streams to it.
fn console(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["console"], b"")?;
    let all = [String::from_utf8_lossy(&finished.output).as_ref(), finished.errors.as_str()].concat();
    let shows = |line: &str| match all.contains(line) {
        true => Ok(()),
        false => Err(format!("the console shows {all:?}, expected {line:?} in it")),
    };
    let result =
        finished.ended(0).and_then(|()| shows("to standard output\n")).and_then(|()| shows("to standard error\n"));
    Ok(verdict(result, "standard output and standard error arrive"))
}

fn exit(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    const STATUSES: [i32; 5] = [0, 1, 7, 100, 122];
    for status in STATUSES {
        let finished = bench.run(&[], &["exit", &status.to_string()], b"")?;
        if let Err(broken) = finished.ended(status) {
            return Ok(Verdict::Broken(broken));
        }
    }
    Ok(Verdict::Kept("statuses 0, 1, 7, 100 and 122 arrive".into()))
}

/// Bytes of every value but 4, which ends the input on a serial line, in pieces that are no multiple of anything.
fn pattern(len_bytes: usize) -> Vec<u8> {
    (0..len_bytes).map(|at| (at % 251) as u8 + if at % 251 >= 4 { 1 } else { 0 }).collect()
}

fn input(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let sent = pattern(3_001);
    let finished = bench.run(&[], &["input"], &sent)?;
    let result = finished.ended(0).and_then(|()| same("what came back", &finished.output, &sent));
    Ok(verdict(result, format!("{} bytes come in and go out, then the input ends", sent.len())))
}

fn output(bench: &Bench<'_>, platform: &Platform) -> Result<Verdict, FileError> {
    let sent = b"what the proof is about ".repeat(4);
    bench.put("private", &sent)?;
    let options = ["--input", "private", "--public-output", "public"];
    let has_public_output = platform.devices.has_public_output();
    let options = if has_public_output { &options[..] } else { &options[..2] };
    let finished = bench.run(options, &["public"], b"")?;
    let found = if has_public_output { bench.get("public") } else { finished.output.clone() };
    let result = finished.ended(0).and_then(|()| same("the public output", &found, &sent.repeat(2)));
    let to = if has_public_output { "" } else { " to the console, for want of another place" };
    Ok(verdict(result, format!("/dev/zkvm/input can be read again, /dev/zkvm/output appends{to}")))
}

fn big_image(bench: &Bench<'_>, platform: &Platform) -> Result<Verdict, FileError> {
    let room: u64 =
        platform.memory.iter().filter(|region| region.access.writes()).map(|region| region.range.size().0).sum();
    let file = pattern((room / 16).min(2 << 20) as usize);
    bench.put("big", &file)?;
    let finished = bench.run(&["--file", "/big=big"], &["big"], b"")?;
    let sum = file.iter().fold(0u64, |sum, &byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let expected = format!("{sum:016x}{:016x}\n", file.len());
    let result = finished.ended(0).and_then(|()| same("its sum and length", &finished.output, expected.as_bytes()));
    Ok(verdict(result, format!("an image with a file of {} bytes in it", file.len())))
}

fn memory(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["memory"], b"")?;
    Ok(verdict(finished.ended(0), "mappings are zero and usable: up to ENOMEM, or 256 MiB"))
}

fn threads(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["threads"], b"")?;
    Ok(verdict(finished.ended(0), "threads start, end and are waited for"))
}

/// An instruction that no program may execute ends the run, and not well.
fn illegal(bench: &Bench<'_>, _: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["illegal"], b"")?;
    let shown = String::from_utf8_lossy(&finished.output);
    if let Some(broken) = finished.never_ended() {
        return Ok(Verdict::Broken(broken));
    }
    Ok(match (finished.status, shown.contains("behind")) {
        (0, _) => {
            Verdict::Broken("an illegal instruction left the run to end with status 0, expected a failure".into())
        }
        (_, true) => {
            Verdict::Broken("the program went on behind an illegal instruction, expected the run to end".into())
        }
        (status, false) if !shown.contains("before") => Verdict::Broken(format!(
            "the run ended with status {status} before the illegal instruction: {}",
            finished.errors.trim_end()
        )),
        (status, false) => Verdict::Kept(format!("an illegal instruction ends the run with status {status}")),
    })
}

fn misaligned(bench: &Bench<'_>, platform: &Platform) -> Result<Verdict, FileError> {
    let finished = bench.run(&[], &["misaligned"], b"")?;
    if let Some(broken) = finished.never_ended() {
        return Ok(Verdict::Broken(broken));
    }
    Ok(match platform.misaligned {
        Misaligned::Works | Misaligned::Counted => verdict(finished.ended(0), "a misaligned load works"),
        Misaligned::Stops if finished.status <= 1 => Verdict::Broken(format!(
            "a misaligned load ended the run with status {}, expected a failure of the machine, as platform.toml says",
            finished.status
        )),
        Misaligned::Stops => Verdict::Kept(format!("a misaligned load ends the run with status {}", finished.status)),
    })
}

fn scratch(error: &std::io::Error) -> FileError {
    FileError::Write { path: std::env::temp_dir(), message: error.to_string() }
}
