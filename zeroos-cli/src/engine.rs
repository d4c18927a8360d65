//! Engines: what an image runs on. Each gives the guest's exit status; the built-in machine also gives exact counts.

mod builtin;
mod error;
mod exports;
mod last_words;
mod location;
mod profile;
mod public_output;
mod qemu;
mod qemu_memory;
mod runner;

pub use builtin::machine as builtin_machine;
pub use error::EngineError;
pub use exports::{Exported, ExportedKind};
pub use profile::Profile;
pub use public_output::PublicOutput;

use std::path::Path;

use crate::address::Address;
use crate::image::ImageNote;
use crate::machine::{InstructionCounts, Streams};

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EngineKind {
    /// The built-in machine.
    #[default]
    Builtin,
    /// `qemu-system-riscv64`.
    Qemu,
    /// The command that the platform names.
    Runner,
}

/// How a run is to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunOptions {
    /// Print every call to standard error.
    pub trace: bool,
    /// Note who executes what.
    pub profile: bool,
    /// Stop after this many instructions.
    pub max_instructions: Option<u64>,
    /// Collect what the image hands out when the program has ended.
    pub exports: bool,
    /// Stop when the outside is asked for something for the first time; for who looks at the machine then.
    pub stops_at_contact: bool,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunOutcome {
    /// Why.
    pub ending: RunEnding,
    /// What was executed, where the engine counts.
    pub counts: Option<InstructionCounts>,
    /// Where the instructions went, if that was asked for and the engine counts.
    pub profile: Option<Profile>,
    /// The run's public output, where the machine has one of its own.
    pub public_output: Option<PublicOutput>,
    /// What the image handed out, if that was asked for and the program has ended.
    pub exported: Option<Vec<Exported>>,
    /// Where the run stopped, if the kernel stopped it without naming the function: a line for the user.
    pub explanation: Option<String>,
}

/// Why a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RunEnding {
    /// The guest ended it with this status.
    Exited(u8),
    /// The machine ended it: what happened, and where in the image.
    Stopped {
        /// A sentence without its stop.
        what: String,
        /// The instruction.
        pc: Address,
    },
    /// The instruction limit was reached.
    InstructionLimit,
}

/// Runs `image`, which lies at `path` for engines that want a file, on this process's streams, but for those in `streams`.
///
/// # Errors
/// An engine that cannot be started or cannot run this image.
pub fn run(
    kind: EngineKind,
    image: &[u8],
    path: &Path,
    note: &ImageNote,
    options: RunOptions,
    streams: Streams,
) -> Result<RunOutcome, EngineError> {
    match kind {
        EngineKind::Builtin => builtin::run(image, note, options, streams),
        EngineKind::Qemu => qemu::run(image, path, note, options, streams),
        EngineKind::Runner => runner::run(path, note, options, streams),
    }
}
