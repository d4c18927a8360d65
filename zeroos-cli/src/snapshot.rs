//! The state of an image right before the first call that asks for something from outside: input, output or the end. Up to
//! there every run is the same, so the image can start there (`--snapshot`): what the program and its run-time system do to
//! get ready is then done once, as it is built, and is no part of any run.

use object::{Object, ObjectSegment, SegmentFlags, elf};

use crate::address::Address;
use crate::diagnostic::Diagnose;
use crate::engine::{EngineError, RunOptions, builtin_machine};
use crate::image::{DirectSite, ImageNote, Snapshot};
use crate::linux::SyscallNumber;
use crate::machine::{CapturedConsole, Ending, Machine};

/// Most instructions that are executed in search of that call.
const LIMIT: u64 = 20_000_000_000;

/// Why there is no such state.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The machine could not be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The outside was asked before the program made its first call.
    #[error("something is printed, read or ended before the program's first call, so there is no state to keep")]
    TooEarly,
    /// Memory that the image holds as code or constants was written to.
    #[error("the run changes what the image holds as code or constants, at {address}")]
    Changed {
        /// Where the piece begins.
        address: Address,
    },
    /// The run ended, or did not get there.
    #[error("the run does not get to a first input or output: {what}")]
    NeverReached {
        /// What happened.
        what: String,
    },
}

/// Runs `image` up to that state.
///
/// # Errors
/// See [`SnapshotError`].
pub fn take(image: &[u8], note: &ImageNote) -> Result<Snapshot, SnapshotError> {
    let never = |what: String| SnapshotError::NeverReached { what };
    let mut console = CapturedConsole::default();
    let search = RunOptions { max_instructions: Some(LIMIT), stops_at_contact: true, ..RunOptions::default() };
    let mut machine = builtin_machine(image, note, search)?;
    match machine.run(&mut console, &mut ()) {
        Ending::Contact => {}
        Ending::InstructionLimit => return Err(never(format!("it goes on for more than {LIMIT} instructions"))),
        Ending::Exited { status } => return Err(never(format!("it ends with status {status}"))),
        Ending::TrapLoop { first, .. } => return Err(never(format!("it gets stuck at {}", first.pc))),
        Ending::Failed(_) => return Err(never("the machine ends it".into())),
    }
    let call = machine.last_call().ok_or(SnapshotError::TooEarly)?;
    // The same run again, exactly up to there.
    let again = RunOptions { max_instructions: Some(call.executed), ..RunOptions::default() };
    let mut machine = builtin_machine(image, note, again)?;
    let ending = machine.run(&mut console, &mut ());
    // What moved from before a site is executed in its stub.
    let in_stub = |direct: &DirectSite| direct.site == call.site && direct.stub == machine.pc().offset(4);
    let is_there = machine.pc() == call.site || note.direct.iter().any(in_stub);
    if ending != Ending::InstructionLimit || !is_there {
        return Err(never(format!("run again, it stood at {} after {} instructions", machine.pc(), call.executed)));
    }
    unchanged(image, &machine)?;
    let csrs = machine.kept_csrs();
    Ok(Snapshot {
        site: call.site,
        pc: machine.pc(),
        number: SyscallNumber(call.number),
        executed: call.executed,
        x: std::array::from_fn(|number| machine.x(number as u8)),
        f: std::array::from_fn(|number| machine.f(number as u8)),
        scratch: csrs.scratch,
        fcsr: csrs.fcsr,
        float_status: csrs.float_status,
        pages: machine.written_pages().into_iter().map(|(address, page)| (address, page.to_vec())).collect(),
    })
}

/// What cannot be written is laid out as it was: so it must be as it was.
fn unchanged(image: &[u8], machine: &Machine) -> Result<(), SnapshotError> {
    let Ok(file) = object::File::parse(image) else { return Ok(()) };
    for segment in file.segments() {
        let writable = matches!(segment.flags(), SegmentFlags::Elf { p_flags, .. } if p_flags.contains(elf::PF_W));
        let expected = segment.data().unwrap_or_default();
        let mut found = vec![0; expected.len()];
        let address = Address(segment.address());
        if !writable && (!machine.read_memory(address, &mut found) || found != expected) {
            return Err(SnapshotError::Changed { address });
        }
    }
    Ok(())
}

impl Diagnose for SnapshotError {
    fn code(&self) -> &'static str {
        match self {
            SnapshotError::Engine(error) => error.code(),
            SnapshotError::TooEarly => "ZOS-E0810",
            SnapshotError::Changed { .. } => "ZOS-E0812",
            SnapshotError::NeverReached { .. } => "ZOS-E0811",
        }
    }

    fn help(&self) -> String {
        match self {
            SnapshotError::Engine(error) => error.help(),
            SnapshotError::TooEarly => {
                "build without `--snapshot` and run the image: a program that fails at once says why; in a platform of your \
                 own, let `init` touch no device"
                    .into()
            }
            SnapshotError::Changed { .. } => {
                "build without `--snapshot`: a program that writes to its own code or constants cannot be started so".into()
            }
            SnapshotError::NeverReached { .. } => "build without `--snapshot`, and see how the image runs".into(),
        }
    }
}
