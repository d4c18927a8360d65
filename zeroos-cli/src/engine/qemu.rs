//! QEMU as an engine: starts the command that the image's platform names and passes the standard streams through.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::last_words::LastWords;
use super::{EngineError, RunEnding, RunOptions, RunOutcome};
use crate::image::ImageNote;

/// A serial line has no end of file; the platform takes this byte for it.
const END_OF_TRANSMISSION: u8 = 0x04;

/// Runs the image at `path` to its end.
pub(super) fn run(image: &[u8], path: &Path, note: &ImageNote, options: RunOptions) -> Result<RunOutcome, EngineError> {
    let refuse = |option| Err(EngineError::Option { engine: "qemu", option });
    if options.trace {
        return refuse("--trace");
    }
    if options.max_instructions.is_some() {
        return refuse("--max-instructions");
    }
    let Some((program, arguments)) = note.runner.split_first().filter(|(program, _)| program.contains("qemu-system"))
    else {
        return Err(EngineError::WrongPlatform { engine: "qemu", platform: note.platform.clone() });
    };
    let image_path = path.display().to_string();
    let start = |error: std::io::Error| EngineError::Start { program: program.clone(), message: error.to_string() };
    let mut child = Command::new(program)
        .args(arguments.iter().map(|argument| argument.replace("{image}", &image_path)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(start)?;
    if let Some(mut line) = child.stdin.take() {
        // Ends by itself when the emulator is gone; until then it may wait for our own input, so nobody waits for it.
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut line);
            let _ = line.write_all(&[END_OF_TRANSMISSION]);
            let _ = line.flush();
            // The emulator takes a closed line for a hang-up: keep it open for as long as the process lives.
            std::thread::park();
        });
    }
    let mut words = LastWords::default();
    if let Some(mut output) = child.stdout.take() {
        let mut buffer = [0; 4096];
        let mut ours = std::io::stdout().lock();
        while let Ok(count @ 1..) = output.read(&mut buffer) {
            words.hear(&buffer[..count]);
            ours.write_all(&buffer[..count])
                .and_then(|()| ours.flush())
                .map_err(|error| EngineError::Output { message: error.to_string() })?;
        }
    }
    let status = child.wait().map_err(start)?;
    let Some(code) = status.code() else {
        return Err(EngineError::Abnormal { program: program.clone(), what: status.to_string() });
    };
    let explanation = if code >= 123 { words.explain(image) } else { Vec::new() };
    Ok(RunOutcome { ending: RunEnding::Exited(code as u8), counts: None, explanation })
}
