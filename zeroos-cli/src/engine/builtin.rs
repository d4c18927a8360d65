//! The built-in machine as an engine: sets it up as the image's note says and runs it on the tool's own streams.

use std::io::Write;

use object::{Object, ObjectSegment, SegmentFlags, elf};

use super::last_words::LastWords;
use super::{EngineError, Profile, RunEnding, RunOptions, RunOutcome, exports, location, profile, public_output};
use crate::address::{Address, AddressRange, ByteCount};
use crate::image::{DirectSite, ImageNote};
use crate::linux::SyscallNumber;
use crate::machine::{
    Console, Ending, Failure, HostConsole, HtifAddresses, Machine, MachineConfig, Observer, Protection, Stream,
    Streams, StubAddress,
};
use crate::platform::InstructionSet;

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
        ram: note.ram.iter().map(|memory| memory.range()).collect(),
        protections: protections(&file, note),
        isa: Some(InstructionSet::parse(&note.isa).map_err(setup)?),
        csrs: note.csrs.clone(),
        supervisor: note.supervisor,
        misaligned: note.misaligned,
        costs: note.costs,
        entry: Address(file.entry()),
        htif: note.htif.map(|(tohost, fromhost)| HtifAddresses { tohost, fromhost }),
        uart: note.devices.uart,
        test_finisher: note.devices.test_finisher,
        host: note.devices.host,
        program: ranges(&note.program),
        stubs: note.direct.iter().map(stub).collect(),
        max_instructions: options.max_instructions,
        stops_at_contact: options.stops_at_contact,
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

/// What may not be done where: by the machine's memory, and by the image's segments if its loader goes by them.
fn protections(file: &object::File<'_>, note: &ImageNote) -> Vec<Protection> {
    let memory = note.ram.iter().map(|memory| Protection {
        range: memory.range(),
        writes: memory.access.writes(),
        executes: memory.access.executes(),
    });
    let mut protections: Vec<Protection> = memory.collect();
    if !note.write_xor_execute {
        return protections;
    }
    let mut segments: Vec<Protection> = file.segments().filter_map(|segment| segment_protection(&segment)).collect();
    segments.sort_by_key(|segment| segment.range);
    for memory in &note.ram {
        let mut next = memory.start;
        let ends = segments
            .iter()
            .map(|segment| segment.range)
            .chain([AddressRange::new(memory.end, ByteCount(0)).unwrap_or_default()]);
        for segment in ends {
            let gap = AddressRange::between(next, segment.start().min(memory.end)).filter(|gap| !gap.is_empty());
            protections.extend(gap.map(|range| Protection { range, writes: true, executes: false }));
            next = next.max(segment.end());
        }
    }
    protections.extend(segments);
    protections
}

/// A segment's flags.
fn segment_protection<'data>(segment: &impl ObjectSegment<'data>) -> Option<Protection> {
    let range = AddressRange::new(Address(segment.address()), ByteCount(segment.size()))?;
    let SegmentFlags::Elf { p_flags, .. } = segment.flags() else { return None };
    Some(Protection { range, writes: (p_flags & elf::PF_W).0 != 0, executes: (p_flags & elf::PF_X).0 != 0 })
}

/// Runs `image` to its end.
pub(super) fn run(
    image: &[u8],
    note: &ImageNote,
    options: RunOptions,
    streams: Streams,
) -> Result<RunOutcome, EngineError> {
    let mut machine = machine(image, note, options)?;
    if options.profile {
        profile::record(&mut machine, image);
    }
    let on_standard_output = streams.public_output.is_none();
    let mut console = ListeningConsole {
        host: HostConsole::new(streams),
        words: LastWords::default(),
        public: public_output::Running::new(on_standard_output),
    };
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
        Ending::Exited { status } => RunEnding::Exited(exit_status(status)),
        Ending::InstructionLimit => RunEnding::InstructionLimit,
        Ending::TrapLoop { first, second } => {
            return Err(EngineError::Stuck { what: format!("{first:?}, and in its handler {second:?}") });
        }
        Ending::Contact => {
            return Err(EngineError::Stuck { what: "it was to stop at its first input or output".into() });
        }
        Ending::Failed(failure) => RunEnding::Stopped { what: explain_failure(failure, image), pc: failure.pc() },
    };
    let explanation = match &ending {
        &RunEnding::Exited(status) if status >= 123 => console.words.explain(image, note),
        _ => None,
    };
    let exported = match (&ending, &note.exports) {
        (RunEnding::Exited(_), Some(exports)) if options.exports => exports::collect(&machine, note, exports.table)?,
        _ => None,
    };
    let public_output = note.devices.has_public_output().then(|| console.public.finish());
    let profile = options.profile.then(|| Profile::of(&machine, image));
    Ok(RunOutcome { ending, counts: Some(machine.counts()), profile, public_output, exported, explanation })
}

/// A machine's status as a process has one: its low 8 bits, but a failure stays one.
fn exit_status(status: u32) -> u8 {
    match status as u8 {
        0 if status != 0 => 1,
        low => low,
    }
}

/// What happened, and in which function.
fn explain_failure(failure: Failure, image: &[u8]) -> String {
    match location::describe(image, failure.pc()) {
        Some(place) => format!("{failure}; {} is {place}", failure.pc()),
        None => failure.to_string(),
    }
}

/// Whoever reads our output may stop reading: that is no failure of the run.
fn ignore_closed_pipe(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) }
}

/// The tool's streams, with an ear on standard error (or on the one console a machine has).
struct ListeningConsole {
    host: HostConsole,
    words: LastWords,
    public: public_output::Running,
}

impl Console for ListeningConsole {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        if stream == Stream::Output {
            self.public.something_was_printed();
        }
        match stream {
            Stream::Output | Stream::Error => self.words.hear(bytes),
            Stream::Public => self.public.append(bytes),
        }
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
