//! Engines: what an image runs on. Each gives the guest's exit status; the built-in machine also gives exact counts.

mod builtin;
mod error;
mod last_words;
mod qemu;

pub use builtin::machine as builtin_machine;
pub use error::EngineError;

use std::path::Path;

use crate::image::ImageNote;
use crate::machine::InstructionCounts;

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EngineKind {
    /// The built-in machine.
    #[default]
    Builtin,
    /// `qemu-system-riscv64`.
    Qemu,
}

/// How a run is to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunOptions {
    /// Print every call to standard error.
    pub trace: bool,
    /// Stop after this many instructions.
    pub max_instructions: Option<u64>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RunOutcome {
    /// Why.
    pub ending: RunEnding,
    /// What was executed, where the engine counts.
    pub counts: Option<InstructionCounts>,
    /// Where the run stopped, if the kernel stopped it without naming the function: a line for the user.
    pub explanation: Option<String>,
}

/// Why a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RunEnding {
    /// The guest ended it with this status.
    Exited(u8),
    /// The instruction limit was reached.
    InstructionLimit,
}

/// Runs `image`, which lies at `path` for engines that want a file.
///
/// # Errors
/// An engine that cannot be started or cannot run this image.
pub fn run(
    kind: EngineKind,
    image: &[u8],
    path: &Path,
    note: &ImageNote,
    options: RunOptions,
) -> Result<RunOutcome, EngineError> {
    match kind {
        EngineKind::Builtin => builtin::run(image, note, options),
        EngineKind::Qemu => qemu::run(image, path, note, options),
    }
}
