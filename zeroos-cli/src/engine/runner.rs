//! The platform's own machine as an engine: the command that `[runner]` of its `platform.toml` names is started with the image,
//! and passes the guest's streams and exit status through.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{EngineError, RunEnding, RunOptions, RunOutcome, public_output};
use crate::image::ImageNote;
use crate::machine::Streams;

/// What is filled in.
const IMAGE: &str = "{image}";
const MEMORY: &str = "{memory}";
const INPUT: &str = "{input}";
const PUBLIC_OUTPUT: &str = "{public_output}";

/// Runs the image at `path` to its end.
pub(super) fn run(
    path: &Path,
    note: &ImageNote,
    options: RunOptions,
    streams: Streams,
) -> Result<RunOutcome, EngineError> {
    let refuse = |option| Err(EngineError::Option { engine: "runner", option });
    if options.trace {
        return refuse("--trace");
    }
    if options.exports {
        return refuse("--out");
    }
    if options.max_instructions.is_some() {
        return refuse("--max-instructions");
    }
    let Some((program, arguments)) = note.runner.split_first() else {
        return Err(EngineError::NoRunner { platform: note.platform.clone() });
    };
    let takes = |what: &str| arguments.iter().any(|argument| argument.contains(what));
    if streams.public_output.is_some() && !takes(PUBLIC_OUTPUT) {
        return refuse("--public-output");
    }
    let scratch = |error: std::io::Error| EngineError::Output { message: error.to_string() };
    let folder = tempfile::tempdir().map_err(scratch)?;
    let (input, public) = (folder.path().join("input"), folder.path().join("public-output"));
    let mut command = Command::new(program);
    if takes(INPUT) {
        let bytes = streams.input.map_or_else(standard_input, Ok).map_err(scratch)?;
        std::fs::write(&input, bytes).map_err(scratch)?;
        command.stdin(Stdio::null());
    } else if let Some(bytes) = streams.input {
        std::fs::write(&input, bytes).map_err(scratch)?;
        command.stdin(std::fs::File::open(&input).map_err(scratch)?);
    }
    let memory: Vec<String> =
        note.ram.iter().map(|memory| format!("{:#x}:{:#x}", memory.start.0, memory.range().size().0)).collect();
    let fill = |argument: &String| {
        let argument = argument.replace(IMAGE, &path.display().to_string()).replace(MEMORY, &memory.join(","));
        argument.replace(INPUT, &input.display().to_string()).replace(PUBLIC_OUTPUT, &public.display().to_string())
    };
    let status = command
        .args(arguments.iter().map(fill))
        .status()
        .map_err(|error| EngineError::Start { program: program.clone(), message: error.to_string() })?;
    let Some(code) = status.code() else {
        return Err(EngineError::Abnormal { program: program.clone(), what: status.to_string() });
    };
    let public_output = takes(PUBLIC_OUTPUT).then(|| {
        let bytes = match std::fs::read(&public) {
            Ok(bytes) => bytes,
            // A run that failed has none.
            Err(_) if code != 0 => Vec::new(),
            Err(error) => {
                let what = format!("it ended with status 0, but wrote no public output ({error})");
                return Err(EngineError::Abnormal { program: program.clone(), what });
            }
        };
        let mut running = public_output::Running::new(streams.public_output.is_none());
        running.append(&bytes);
        let written = match streams.public_output {
            Some(mut file) => file.write_all(&bytes),
            None => std::io::stdout().lock().write_all(&bytes),
        };
        written.map(|()| running.finish()).map_err(scratch)
    });
    Ok(RunOutcome {
        ending: RunEnding::Exited(code as u8),
        counts: None,
        profile: None,
        public_output: public_output.transpose()?,
        exported: None,
        explanation: None,
    })
}

/// All of our standard input.
fn standard_input() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}
