//! `zeroos build`: an image from a program.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::build_options::BuildOptions;
use super::input::FileError;
use super::{About, CommandResult, Failure, input, report, say};
use crate::compile::KernelCache;
use crate::image::read_note;
use crate::pipeline::{self, BuildRequest, Built, Examined};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The program: a statically linked RISC-V Linux ELF
    app: PathBuf,
    /// The image to write [default: APP's file name with `.zeroos.elf`, here]
    #[arg(short, long, value_name = "IMAGE")]
    output: Option<PathBuf>,
    /// Write how each call enters the kernel, as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// File or directory that `zeroos run --out` can copy out of the image, by absolute guest path (repeat for more)
    #[arg(long, value_name = "GUEST")]
    out: Vec<String>,
    #[command(flatten)]
    options: BuildOptions,
}

pub(super) fn execute(arguments: Arguments) -> CommandResult {
    let app = &arguments.app;
    let program = input::read_program(app)?;
    let output = arguments.output.unwrap_or_else(|| default_output(app));
    if let (Ok(from), Ok(to)) = (app.canonicalize(), output.canonicalize())
        && from == to
    {
        return Err(FileError::Exists { path: output }.into());
    }
    let request = arguments.options.request(app, arguments.out)?;
    let (examined, built) = build(app, program, &request, arguments.options.emit_source.as_deref())?;
    if let (Some(path), Some(note)) = (&arguments.report, read_note(&built.image)?) {
        let text = report::json(&examined, &built, &note)
            .map_err(|error| FileError::Write { path: path.clone(), message: error.to_string() })?;
        input::write_whole(path, &[text.as_bytes()], false)?;
    }
    input::write_whole(&output, &[&built.image], true)?;
    let (direct, trap) = (built.plan.direct_sites().count(), built.plan.trap_sites().count());
    let lowered = match built.plan.lowerings.sites.len() {
        0 => String::new(),
        count => format!("{count} instructions lowered, "),
    };
    say::note(&format!(
        "{}: platform {}, {} syscalls, {direct} of {} sites direct, {lowered}{} bytes",
        output.display(),
        built.plan.platform.name,
        built.plan.selection.handlers.len(),
        direct + trap,
        built.image.len(),
    ));
    if built.plan.placement.page_table.is_some() {
        say::note(&format!(
            "platform {} has no memory at {}, where the program was linked: it runs in supervisor mode, behind an Sv39 page table",
            built.plan.platform.name, built.plan.placement.program,
        ));
    }
    if let Some(call) = built.skipped {
        say::note(&format!("it starts at {} at {}: {} instructions are done", call.number, call.site, call.executed));
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the program in `bytes`, writes the kernel's source if asked, and says what the user should know.
pub(super) fn build(
    app: &Path,
    bytes: Vec<u8>,
    request: &BuildRequest,
    emit_source: Option<&Path>,
) -> Result<(Examined, Built), Failure> {
    let mut examined = pipeline::examine(bytes).about(app)?;
    let plan = pipeline::plan(&mut examined, request).about(app)?;
    warn(app, &plan);
    let built = pipeline::build(&examined, plan, &KernelCache::of_user()).about(app)?;
    if let Some(folder) = emit_source {
        input::write_folder(folder, &built.source.crate_files(&built.plan)?)?;
    }
    Ok((examined, built))
}

/// What stops nothing now but may stop a run.
fn warn(app: &Path, plan: &crate::plan::Plan) {
    let missing: Vec<String> = plan.selection.missing.keys().map(|number| number.to_string()).collect();
    if !missing.is_empty() {
        say::warning(&format!(
            "{}: no fragment provides {}; the image stops if such a call is made (`zeroos manifest` shows from where)",
            app.display(),
            missing.join(", "),
        ));
    }
    if plan.selection.unbounded {
        say::warning(&format!(
            "{}: some calls can carry any number, so the kernel has every fragment (`zeroos manifest` shows them)",
            app.display(),
        ));
    }
}

fn default_output(app: &Path) -> PathBuf {
    let name = app.file_name().map_or_else(|| "program".into(), |name| name.to_string_lossy());
    PathBuf::from(format!("{name}.zeroos.elf"))
}
