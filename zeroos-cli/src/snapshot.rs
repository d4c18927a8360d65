//! The state of an image right before the first call that asks for something from outside: input, output or the end. Up to
//! there every run is the same, so the image can start there (`--snapshot`): what the program and its run-time system do to
//! get ready is then done once, as it is built, and is no part of any run.

use crate::diagnostic::Diagnose;
use crate::engine::{EngineError, RunOptions, builtin_machine};
use crate::image::{ImageNote, Snapshot};
use crate::linux::SyscallNumber;
use crate::machine::{CapturedConsole, Ending};

/// Most instructions that are executed in search of that call.
const LIMIT: u64 = 20_000_000_000;

/// Why there is no such state.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The machine could not be set up.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The outside was asked before the program made its first call.
    #[error(
        "platform `{platform}` reaches for its devices before the program's first call, so there is no state to keep"
    )]
    TooEarly {
        /// The platform.
        platform: String,
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
        other => return Err(never(format!("it ends by {other:?}"))),
    }
    let too_early = || SnapshotError::TooEarly { platform: note.platform.clone() };
    let call = machine.last_call().ok_or_else(too_early)?;
    // The same run again, exactly up to there.
    let again = RunOptions { max_instructions: Some(call.executed), ..RunOptions::default() };
    let mut machine = builtin_machine(image, note, again)?;
    let ending = machine.run(&mut console, &mut ());
    if ending != Ending::InstructionLimit || machine.pc() != call.site {
        return Err(never(format!("run again, it stood at {} after {} instructions", machine.pc(), call.executed)));
    }
    let csrs = machine.kept_csrs();
    Ok(Snapshot {
        site: call.site,
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

impl Diagnose for SnapshotError {
    fn code(&self) -> &'static str {
        match self {
            SnapshotError::Engine(error) => error.code(),
            SnapshotError::TooEarly { .. } => "ZOS-E0810",
            SnapshotError::NeverReached { .. } => "ZOS-E0811",
        }
    }

    fn help(&self) -> String {
        match self {
            SnapshotError::Engine(error) => error.help(),
            SnapshotError::TooEarly { .. } => {
                "build without `--snapshot`; in a platform of your own, let `init` do nothing but remember".into()
            }
            SnapshotError::NeverReached { .. } => "build without `--snapshot`, and see how the image runs".into(),
        }
    }
}
