//! `zeroos run`: builds if need be, runs, and passes the guest's streams and exit status through.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::build_options::{BuildOptions, Entry, platform_directories};
use super::copy_out::{CopyOut, copy_out};
use super::input::FileError;
use super::project::Project;
use super::source_line::source_line;
use super::stats::Stats;
use super::{About, CommandResult, Failure, RUN_FAILURE, build, input, say};
use crate::address::{Address, ByteCount};
use crate::engine::{self, EngineError, EngineKind, RunEnding, RunOptions};
use crate::image::{ImageNote, read_note};
use crate::machine::Streams;
use crate::platform::PlatformRegistry;
use clap::ValueEnum;

/// Exit status when the machine ended the run, as when the kernel does.
const STOPPED: u8 = 123;
/// Exit status when the instruction limit ended the run.
const LIMIT: u8 = 124;

#[derive(Clone, Copy, Default, ValueEnum)]
enum Engine {
    /// The built-in machine: exact counts.
    #[default]
    Builtin,
    /// qemu-system-riscv64.
    Qemu,
    /// The command that the platform names: the real machine.
    Runner,
}

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    options: BuildOptions,
    /// What to run on
    #[arg(long, value_enum, default_value_t = Engine::Builtin)]
    engine: Engine,
    /// The run's input, the private input of a zkVM [default: standard input]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where the run's public output goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    public_output: Option<PathBuf>,
    /// Copy this file or directory of the program's to HOST when it has ended (repeat for more)
    #[arg(long, value_name = "GUEST=HOST")]
    out: Vec<String>,
    /// Write exact instruction counts as JSON
    #[arg(long, value_name = "FILE")]
    stats: Option<PathBuf>,
    /// Write where the instructions went, every stack of calls with its exact count ("folded", for flame graphs), and print
    /// the functions that executed most to standard error
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
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
    if app.starts_with('-') && !Path::new(app).exists() {
        return Err(FileError::Option { what: format!("`zeroos run` has no option `{app}`, nor is it a file") }.into());
    }
    let app = PathBuf::from(app);
    let bytes = input::read(&app)?;
    let is_elsewhere = !matches!(arguments.engine, Engine::Builtin);
    let counting = [("--stats", &arguments.stats), ("--profile", &arguments.profile)];
    if let Some((option, _)) = counting.iter().find(|(_, file)| is_elsewhere && file.is_some()) {
        let what = format!("{option} needs exact counts, which only `--engine builtin` has");
        return Err(FileError::Option { what }.into());
    }
    let mut wanted: Vec<CopyOut> = arguments.out.iter().map(|text| CopyOut::parse(text)).collect::<Result<_, _>>()?;
    let (image, note, placed) = match read_note(&bytes).about(&app)? {
        Some(mut note) => {
            refuse_build_options(&arguments.options, rest)?;
            refuse_unknown_exports(&wanted, &note)?;
            if is_elsewhere {
                note.runner = runner_of(&note, &arguments.options.platform_dir)?;
            }
            (bytes, note, None)
        }
        None => {
            arguments.options.arg.extend_from_slice(rest);
            let mut request = arguments.options.request(&app, wanted.iter().map(|out| out.guest.clone()).collect())?;
            if let Engine::Qemu = arguments.engine {
                request.preferred_platforms = vec!["qemu-virt".into()];
            }
            let (_, built) = build::build(&app, bytes, &request, arguments.options.emit_source.as_deref())?;
            let image = built.image;
            let note = read_note(&image)?.ok_or(FileError::Option { what: "the built image has no note".into() })?;
            (image, note, Some((built.plan.placement.program, built.plan.placement.bias)))
        }
    };
    wanted.extend(project_exports(&wanted, &note)?);
    let mut file = tempfile::NamedTempFile::new().map_err(|error| scratch(&error))?;
    if is_elsewhere {
        file.write_all(&image).map_err(|error| scratch(&error))?;
    }
    let kind = match arguments.engine {
        Engine::Builtin => EngineKind::Builtin,
        Engine::Qemu => EngineKind::Qemu,
        Engine::Runner => EngineKind::Runner,
    };
    let options = RunOptions {
        trace: arguments.trace,
        profile: arguments.profile.is_some(),
        max_instructions: arguments.max_instructions,
        exports: !wanted.is_empty(),
        ..RunOptions::default()
    };
    let streams = streams(&arguments, &note)?;
    let outcome = engine::run(kind, &image, file.path(), &note, options, streams).about(&app)?;
    if let Some(line) = &outcome.explanation {
        say::note(line);
    }
    if let Some(output) = outcome.public_output.as_ref().filter(|output| output.mixed) {
        let bytes = ByteCount(output.bytes);
        say::note(&format!("public output, {bytes}, is among what was printed; `--public-output FILE` keeps it apart"));
    }
    if let Some(path) = &arguments.stats {
        let stats = Stats::new(&outcome, &note, image.len() as u64)?;
        let text = serde_json::to_string_pretty(&stats)
            .map_err(|error| FileError::Write { path: path.clone(), message: error.to_string() })?;
        input::write_whole(path, &[text + "\n"], false)?;
    }
    if let (Some(path), Some(profile)) = (&arguments.profile, &outcome.profile) {
        let bias = placed.map_or(0, |(_, bias)| bias);
        input::write_whole(path, &[profile.folded(bias)], false)?;
        say::note(&format!(
            "where the instructions went; {} has every stack\n{}",
            path.display(),
            profile.table(bias, 16)
        ));
    }
    let complete = match outcome.ending {
        RunEnding::Exited(_) => {
            let paths = note.exports.as_ref().map_or(&[][..], |exports| &exports.paths);
            copy_out(&wanted, paths, outcome.exported.as_deref())
        }
        _ => true,
    };
    Ok(match outcome.ending {
        // The program's own failure tells more than what it did not write.
        RunEnding::Exited(0) if !complete => ExitCode::from(RUN_FAILURE),
        RunEnding::Exited(status) => ExitCode::from(status),
        RunEnding::InstructionLimit => {
            say::warning("the instruction limit ended the run");
            ExitCode::from(LIMIT)
        }
        RunEnding::Stopped { what, pc } => {
            // An image has no debugging information; the program that it was just made of may have.
            let line = placed.and_then(|(program, bias)| {
                let linked = Address(pc.0.wrapping_sub(bias));
                program.contains(pc).then(|| source_line(&input::read(&app).ok()?, linked)).flatten()
            });
            let what = line.map_or(what.clone(), |line| format!("{what}, {line}"));
            let stopped: Result<(), _> = Err(EngineError::Stopped { what }).about(&app);
            stopped.unwrap_or_else(|failure| say::failure(&failure));
            ExitCode::from(STOPPED)
        }
    })
}

/// What `zeroos.toml` has copied out of this image, unless the command line says where to.
fn project_exports(wanted: &[CopyOut], note: &ImageNote) -> Result<Vec<CopyOut>, FileError> {
    let Some(exports) = &note.exports else { return Ok(Vec::new()) };
    let project = Project::read()?.out.into_iter();
    let others =
        project.filter(|(guest, _)| exports.paths.contains(guest) && wanted.iter().all(|out| out.guest != *guest));
    Ok(others.map(|(guest, host)| CopyOut { guest, host: host.into() }).collect())
}

/// What can be copied out was fixed when the image was built.
fn refuse_unknown_exports(wanted: &[CopyOut], note: &ImageNote) -> Result<(), FileError> {
    let known = note.exports.as_ref().map_or(&[][..], |exports| &exports.paths);
    match wanted.iter().find(|out| !known.contains(&out.guest)) {
        None => Ok(()),
        Some(CopyOut { guest, .. }) => Err(FileError::Option {
            what: format!("--out names {guest}, which the image does not hand out; build it with `--out {guest}`"),
        }),
    }
}

/// What takes the place of the standard streams.
fn streams(arguments: &Arguments, note: &ImageNote) -> Result<Streams, Failure> {
    let input = arguments.input.as_deref().map(input::read).transpose()?;
    let Some(path) = &arguments.public_output else { return Ok(Streams { input, public_output: None }) };
    if !note.devices.has_public_output() {
        let what = format!(
            "--public-output is given, but what platform `{}` prints is all one stream; take it from standard output",
            note.platform
        );
        return Err(FileError::Option { what }.into());
    }
    let file = std::fs::File::create(path)
        .map_err(|error| FileError::Write { path: path.clone(), message: error.to_string() })?;
    Ok(Streams { input, public_output: Some(file) })
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
        ("--output-fd", options.output_fd.is_some()),
        ("--platform", options.platform.is_some()),
        ("--entry", options.entry != Entry::Auto),
        ("--allocator", options.allocator.is_some()),
        ("--check-access", options.check_access),
        ("--emit-source", options.emit_source.is_some()),
        ("--deny-missing", options.deny_missing),
        ("--deny-unbounded", options.deny_unbounded),
        ("--snapshot", options.snapshot),
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
