//! QEMU as an engine: starts the command that the platform names and passes the standard streams through.

use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use super::last_words::LastWords;
use super::qemu_memory::MemoryFile;
use super::{EngineError, RunEnding, RunOptions, RunOutcome, exports};
use crate::image::ImageNote;
use crate::machine::Streams;

/// A serial line has no end of file; the platform takes this byte for it.
const END_OF_TRANSMISSION: u8 = 0x04;
/// With what QEMU ends if it cannot start or carry on; a guest may end with the same.
const QEMU_FAILURE: i32 = 1;

/// Runs the image at `path` to its end.
pub(super) fn run(
    image: &[u8],
    path: &Path,
    note: &ImageNote,
    options: RunOptions,
    streams: Streams,
) -> Result<RunOutcome, EngineError> {
    let refuse = |option| Err(EngineError::Option { engine: "qemu", option });
    if options.trace {
        return refuse("--trace");
    }
    if options.max_instructions.is_some() {
        return refuse("--max-instructions");
    }
    if streams.public_output.is_some() {
        return refuse("--public-output");
    }
    let Some((program, arguments)) = note.runner.split_first().filter(|(program, _)| program.contains("qemu-system"))
    else {
        return Err(EngineError::WrongPlatform { engine: "qemu", platform: note.platform.clone() });
    };
    let image_path = path.display().to_string();
    let start = |error: std::io::Error| EngineError::Start { program: program.clone(), message: error.to_string() };
    let memory = match &note.exports {
        Some(exports) if options.exports => match MemoryFile::new(arguments).map_err(start)? {
            Some(memory) => Some((memory, exports)),
            None => return refuse("--out"),
        },
        _ => None,
    };
    let child = Command::new(program)
        .args(arguments.iter().map(|argument| argument.replace("{image}", &image_path)))
        .args(memory.iter().flat_map(|(memory, _)| memory.arguments()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start)?;
    let mut child = Running(child);
    if let Some(line) = child.0.stdin.take() {
        feed(line, streams.input);
    }
    let complaints = child.0.stderr.take().map(pass_complaints);
    let mut words = LastWords::default();
    if let Some(output) = child.0.stdout.take() {
        pass_output(output, &mut words)?;
    }
    let status = child.0.wait().map_err(start)?;
    let complaints = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let abnormal = |what: String| EngineError::Abnormal { program: program.clone(), what };
    let Some(code) = status.code() else { return Err(abnormal(status.to_string())) };
    // The guest's own output comes by the serial line: what is on QEMU's standard error is QEMU's.
    if let (QEMU_FAILURE, Some(failure)) = (code, failure(&complaints, program)) {
        return Err(abnormal(failure.to_owned()));
    }
    let exported = match &memory {
        Some((memory, exports)) => exports::collect(&memory.open(image, note).map_err(start)?, note, exports.table)?,
        None => None,
    };
    let explanation = if code >= 123 { words.explain(image, note) } else { None };
    Ok(RunOutcome {
        ending: RunEnding::Exited(code as u8),
        counts: None,
        profile: None,
        public_output: None,
        exported,
        explanation,
    })
}

/// The emulator's process: ended, at the latest, when nobody waits for it any more.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to kill, and nothing to be told.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Copies `input`, or else our standard input, to the serial line, its end included. Ends with the process; until then it may wait for
/// our own input, so nobody waits for it.
fn feed(mut line: ChildStdin, input: Option<Vec<u8>>) {
    thread::spawn(move || {
        let _ = match input {
            Some(input) => line.write_all(&input),
            None => std::io::copy(&mut std::io::stdin().lock(), &mut line).map(|_| ()),
        };
        let _ = line.write_all(&[END_OF_TRANSMISSION]);
        let _ = line.flush();
        // The emulator takes a closed line for a hang-up: keep it open for as long as the process lives.
        loop {
            thread::park();
        }
    });
}

/// Copies the serial line to our standard output. A reader of ours that goes away does not end the run.
fn pass_output(mut output: ChildStdout, words: &mut LastWords) -> Result<(), EngineError> {
    let mut buffer = [0; 4096];
    let mut ours = std::io::stdout().lock();
    let mut closed = false;
    loop {
        let count = match output.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Ok(()),
        };
        words.hear(&buffer[..count]);
        if closed {
            continue;
        }
        match ours.write_all(&buffer[..count]).and_then(|()| ours.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => closed = true,
            Err(error) => return Err(EngineError::Output { message: error.to_string() }),
        }
    }
}

/// Copies what the emulator says on standard error to ours, as it comes, and returns its beginning.
fn pass_complaints(mut complaints: ChildStderr) -> thread::JoinHandle<String> {
    const KEPT: usize = 4096;
    thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = complaints.read(&mut buffer) {
            // Messages that nobody can read are no reason to fail.
            let _ = std::io::stderr().write_all(&buffer[..count]);
            kept.extend_from_slice(&buffer[..count.min(KEPT - kept.len())]);
        }
        String::from_utf8_lossy(&kept).into_owned()
    })
}

/// Why QEMU says that it failed: `PROGRAM: …`, but not `PROGRAM: warning: …`.
fn failure<'a>(complaints: &'a str, program: &str) -> Option<&'a str> {
    let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
    complaints
        .lines()
        .filter_map(|line| line.strip_prefix(&*name)?.strip_prefix(": "))
        .find(|message| !message.starts_with("warning:") && !message.starts_with("terminating"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_qemu_is_told_from_a_warning_and_from_a_guest() {
        let program = "/usr/bin/qemu-system-riscv64";
        assert_eq!(
            failure("qemu-system-riscv64: -kernel x: could not load\n", program),
            Some("-kernel x: could not load")
        );
        assert_eq!(failure("qemu-system-riscv64: warning: disabling h\n", program), None);
        assert_eq!(failure("", program), None);
    }
}
