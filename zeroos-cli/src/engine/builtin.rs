//! The built-in machine as an engine: sets it up as the image's note says and runs it on the tool's own streams.

use std::io::Write;

use object::{Object, ObjectSegment};

use super::last_words::LastWords;
use super::{EngineError, RunEnding, RunOptions, RunOutcome};
use crate::address::{Address, AddressRange};
use crate::image::{DirectSite, ImageNote};
use crate::linux::SyscallNumber;
use crate::machine::{
    Console, Ending, HostConsole, HtifAddresses, Machine, MachineConfig, Observer, Stream, StubAddress,
};

/// The built-in machine with `image` in its memory, at its first instruction.
///
/// # Errors
/// An image that does not fit the machine that its note asks for.
pub fn machine(image: &[u8], note: &ImageNote, options: RunOptions) -> Result<Machine, EngineError> {
    let setup = |what: String| EngineError::Setup { what };
    let file = object::File::parse(image).map_err(|error| setup(error.to_string()))?;
    let ranges =
        |spans: &[crate::image::Span]| -> Vec<AddressRange> { spans.iter().map(|span| span.range()).collect() };
    let stub = |&DirectSite { site, stub, number }: &DirectSite| StubAddress { stub, site, number };
    let config = MachineConfig {
        ram: ranges(&note.ram),
        entry: Address(file.entry()),
        htif: note.htif.map(|(tohost, fromhost)| HtifAddresses { tohost, fromhost }),
        uart: note.devices.uart,
        test_finisher: note.devices.test_finisher,
        program: ranges(&note.program),
        stubs: note.direct.iter().map(stub).collect(),
        max_instructions: options.max_instructions,
    };
    let mut machine = Machine::new(&config).map_err(|error| setup(error.to_string()))?;
    for segment in file.segments() {
        let bytes = segment.data().map_err(|error| setup(error.to_string()))?;
        if !machine.load(Address(segment.address()), bytes) {
            return Err(setup(format!("the segment at {:#x} lies outside the machine's memory", segment.address())));
        }
    }
    Ok(machine)
}

/// Runs `image` to its end.
pub(super) fn run(image: &[u8], note: &ImageNote, options: RunOptions) -> Result<RunOutcome, EngineError> {
    let mut machine = machine(image, note, options)?;
    let mut console = ListeningConsole { host: HostConsole::default(), words: LastWords::default() };
    let ending = if options.trace {
        let mut trace = Trace::default();
        let ending = machine.run(&mut console, &mut trace);
        trace.finish();
        ending
    } else {
        machine.run(&mut console, &mut ())
    };
    console
        .host
        .finish()
        .or_else(ignore_closed_pipe)
        .map_err(|error| EngineError::Output { message: error.to_string() })?;
    let ending = match ending {
        Ending::Exited { status } => RunEnding::Exited(status as u8),
        Ending::InstructionLimit => RunEnding::InstructionLimit,
        Ending::TrapLoop { first, second } => {
            return Err(EngineError::Stuck { what: format!("{first:?}, and in its handler {second:?}") });
        }
    };
    let explanation = match ending {
        RunEnding::Exited(status) if status >= 123 => console.words.explain(image, note),
        _ => None,
    };
    Ok(RunOutcome { ending, counts: Some(machine.counts()), explanation })
}

/// Whoever reads our output may stop reading: that is no failure of the run.
fn ignore_closed_pipe(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The tool's streams, with an ear on standard error (or on the one console a machine has).
struct ListeningConsole {
    host: HostConsole,
    words: LastWords,
}

impl Console for ListeningConsole {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        self.words.hear(bytes);
        self.host.write(stream, bytes);
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        self.host.read(buffer)
    }
}

/// Prints calls as they are made, one a line: `write(0x1, 0x8000…, 0x6, …) = 6`.
#[derive(Default)]
struct Trace {
    open: bool,
}

impl Trace {
    fn print(text: std::fmt::Arguments<'_>) {
        // A trace that nobody reads is no failure of the run.
        let _ = std::io::stderr().lock().write_fmt(text);
    }

    fn finish(&mut self) {
        if std::mem::take(&mut self.open) {
            Trace::print(format_args!(" = ?\n"));
        }
    }
}

impl Observer for Trace {
    fn syscall_entered(&mut self, pc: Address, number: u64, x: &[u64; 32]) {
        self.finish();
        let [a0, a1, a2, a3, a4, a5] = [x[10], x[11], x[12], x[13], x[14], x[15]];
        let name = SyscallNumber(number);
        Trace::print(format_args!("{pc} {name}({a0:#x}, {a1:#x}, {a2:#x}, {a3:#x}, {a4:#x}, {a5:#x})"));
        self.open = true;
    }

    fn syscall_left(&mut self, x: &[u64; 32], resumed_behind_site: bool) {
        if std::mem::take(&mut self.open) {
            let a0 = x[10];
            match (resumed_behind_site, a0.cast_signed()) {
                (true, error @ -4095..0) => Trace::print(format_args!(" = {error} (errno {})\n", -error)),
                (true, value) => Trace::print(format_args!(" = {value:#x}\n")),
                (false, _) => Trace::print(format_args!(" = ? (another thread goes on)\n")),
            }
        }
    }
}
