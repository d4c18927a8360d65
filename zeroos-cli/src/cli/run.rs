//! `zeroos run`: builds if need be, runs, and passes the guest's streams and exit status through.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::build_options::{BuildOptions, Entry, platform_directories};
use super::input::FileError;
use super::{About, CommandResult, Failure, build, input, say};
use crate::address::ByteCount;
use crate::engine::{self, EngineKind, RunEnding, RunOptions};
use crate::image::{ImageNote, read_note};
use crate::linux::SyscallNumber;
use crate::machine::InstructionCounts;
use crate::platform::PlatformRegistry;

/// Exit status when the instruction limit ended the run.
const LIMIT: u8 = 124;

#[derive(Clone, Copy, Default, ValueEnum)]
enum Engine {
    /// The built-in machine: exact counts.
    #[default]
    Builtin,
    /// qemu-system-riscv64.
    Qemu,
}

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    options: BuildOptions,
    /// What to run on
    #[arg(long, value_enum, default_value_t = Engine::Builtin)]
    engine: Engine,
    /// Write exact instruction counts as JSON
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Print every syscall to standard error
    #[arg(long)]
    trace: bool,
    /// Stop after this many instructions (exit status 124)
    #[arg(long, value_name = "N")]
    max_instructions: Option<u64>,
    /// The program or a built image, then the program's arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "APP|IMAGE")]
    app_and_arguments: Vec<String>,
}

pub(super) fn execute(mut arguments: Arguments) -> CommandResult {
    let words = std::mem::take(&mut arguments.app_and_arguments);
    let Some((app, rest)) = words.split_first() else {
        return Err(FileError::Option { what: "no program was named".into() }.into());
    };
    let app = PathBuf::from(app);
    let bytes = input::read(&app)?;
    if let (Engine::Qemu, Some(_)) = (arguments.engine, &arguments.stats) {
        let what = "--stats needs exact counts, which only `--engine builtin` has".into();
        return Err(FileError::Option { what }.into());
    }
    let (image, note) = match read_note(&bytes).about(&app)? {
        Some(mut note) => {
            refuse_build_options(&arguments.options, rest)?;
            if let Engine::Qemu = arguments.engine {
                note.runner = runner_of(&note, &arguments.options.platform_dir)?;
            }
            (bytes, note)
        }
        None => {
            arguments.options.arg.extend_from_slice(rest);
            let mut request = arguments.options.request(&app)?;
            if let Engine::Qemu = arguments.engine {
                request.preferred_platforms = vec!["qemu-virt".into()];
            }
            let (_, built) = build::build(&app, bytes, &request, arguments.options.emit_source.as_deref())?;
            let image = built.image;
            let note = read_note(&image)?.ok_or(FileError::Option { what: "the built image has no note".into() })?;
            (image, note)
        }
    };
    let mut file = tempfile::NamedTempFile::new().map_err(|error| scratch(&error))?;
    let kind = match arguments.engine {
        Engine::Builtin => EngineKind::Builtin,
        Engine::Qemu => {
            file.write_all(&image).map_err(|error| scratch(&error))?;
            EngineKind::Qemu
        }
    };
    let options = RunOptions { trace: arguments.trace, max_instructions: arguments.max_instructions };
    let outcome = engine::run(kind, &image, file.path(), &note, options).about(&app)?;
    if let Some(line) = &outcome.explanation {
        say::note(line);
    }
    if let Some(path) = &arguments.stats {
        let counts = outcome.counts.as_ref().ok_or(FileError::Option { what: "this engine does not count".into() })?;
        let stats = Stats::new(counts, note.kernel_bytes, image.len() as u64);
        let text = serde_json::to_string_pretty(&stats)
            .map_err(|error| FileError::Write { path: path.clone(), message: error.to_string() })?;
        input::write_whole(path, (text + "\n").as_bytes(), false)?;
    }
    Ok(match outcome.ending {
        RunEnding::Exited(status) => ExitCode::from(status),
        RunEnding::InstructionLimit => {
            say::warning("the instruction limit ended the run");
            ExitCode::from(LIMIT)
        }
    })
}

fn scratch(error: &std::io::Error) -> FileError {
    FileError::Write { path: std::env::temp_dir(), message: error.to_string() }
}

/// The command that runs an image's platform, as the platform's own folder has it: an image may come from anywhere, and
/// what it names is not to be started unseen.
fn runner_of(note: &ImageNote, platform_dir: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let registry = PlatformRegistry::discover(&platform_directories(platform_dir))?;
    Ok(registry.load(&note.platform)?.runner)
}

/// An image's arguments, environment and files were fixed when it was built.
fn refuse_build_options(options: &BuildOptions, rest: &[String]) -> Result<(), Failure> {
    let given = [
        ("arguments", !rest.is_empty() || !options.arg.is_empty()),
        ("--env", !options.env.is_empty()),
        ("--file", !options.file.is_empty()),
        ("--seed", options.seed.is_some()),
        ("--platform", options.platform.is_some()),
        ("--entry", options.entry != Entry::Auto),
        ("--emit-source", options.emit_source.is_some()),
        ("--deny-missing", options.deny_missing),
        ("--deny-unbounded", options.deny_unbounded),
    ];
    match given.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((what, _)) => Err(FileError::Option {
            what: format!(
                "{what} given with an image, whose inputs were fixed when it was built; give them to `zeroos build`"
            ),
        }
        .into()),
    }
}

/// The JSON of `--stats`. Every count is exact.
#[derive(Serialize)]
struct Stats {
    instructions: Instructions,
    syscalls: Vec<Call>,
    kernel_bytes: u64,
    image_bytes: ByteCount,
}

#[derive(Serialize)]
struct Instructions {
    total: u64,
    boot: u64,
    program: u64,
    kernel: u64,
}

#[derive(Serialize)]
struct Call {
    number: SyscallNumber,
    name: String,
    calls: u64,
    kernel_instructions: Spread,
}

#[derive(Serialize)]
struct Spread {
    min: u64,
    median: u64,
    max: u64,
    total: u64,
}

impl Stats {
    fn new(counts: &InstructionCounts, kernel_bytes: u64, image_bytes: u64) -> Stats {
        let &InstructionCounts { total, boot, program, kernel, .. } = counts;
        let syscalls = counts.syscalls.iter().map(|(&number, cost)| Call {
            number: SyscallNumber(number),
            name: SyscallNumber(number).to_string(),
            calls: cost.calls(),
            kernel_instructions: Spread {
                min: cost.min(),
                median: cost.median(),
                max: cost.max(),
                total: cost.total(),
            },
        });
        Stats {
            instructions: Instructions { total, boot, program, kernel },
            syscalls: syscalls.collect(),
            kernel_bytes,
            image_bytes: ByteCount(image_bytes),
        }
    }
}
