//! What `zeroos run --stats` writes.

use serde::Serialize;

use super::input::FileError;
use crate::address::ByteCount;
use crate::engine::{PublicOutput, RunOutcome};
use crate::image::{ImageNote, KernelParts};
use crate::linux::SyscallNumber;
use crate::machine::{Cycles, InstructionCounts};
use crate::platform::Misaligned;

/// The JSON of `--stats`. Every count is exact.
#[derive(Serialize)]
pub(super) struct Stats {
    instructions: Instructions,
    /// On machines where not every instruction costs the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<Instructions>,
    /// On machines where a misaligned access has a price.
    #[serde(skip_serializing_if = "Option::is_none")]
    misaligned_accesses: Option<u64>,
    syscalls: Vec<Call>,
    /// On machines that have such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_output: Option<Output>,
    kernel_bytes: u64,
    kernel_parts: KernelParts,
    image_bytes: ByteCount,
}

/// Instructions, or what they cost.
#[derive(Serialize)]
struct Instructions {
    total: u64,
    boot: u64,
    program: u64,
    kernel: u64,
}

#[derive(Serialize)]
struct Output {
    bytes: u64,
    sha256: String,
}

#[derive(Serialize)]
struct Call {
    number: SyscallNumber,
    name: String,
    calls: u64,
    kernel_instructions: Spread,
}

#[derive(Serialize)]
struct Spread {
    min: u64,
    median: u64,
    max: u64,
    total: u64,
}

impl Stats {
    /// What `outcome` says of the image with this note and size.
    ///
    /// # Errors
    /// An engine that does not count.
    pub(super) fn new(outcome: &RunOutcome, note: &ImageNote, image_bytes: u64) -> Result<Stats, FileError> {
        let counts = outcome.counts.as_ref().ok_or(FileError::Option { what: "this engine does not count".into() })?;
        let &InstructionCounts { total, boot, program, kernel, misaligned, .. } = counts;
        let syscalls = counts.syscalls.iter().map(|(&number, cost)| Call {
            number: SyscallNumber(number),
            name: SyscallNumber(number).to_string(),
            calls: cost.calls(),
            kernel_instructions: Spread {
                min: cost.min(),
                median: cost.median(),
                max: cost.max(),
                total: cost.total(),
            },
        });
        let output = |output: &PublicOutput| Output { bytes: output.bytes, sha256: output.sha256.clone() };
        Ok(Stats {
            instructions: Instructions { total, boot, program, kernel },
            cycles: counts.cycles.map(|Cycles { total, boot, program, kernel }| Instructions {
                total,
                boot,
                program,
                kernel,
            }),
            misaligned_accesses: (note.misaligned == Misaligned::Counted).then_some(misaligned),
            syscalls: syscalls.collect(),
            public_output: outcome.public_output.as_ref().map(output),
            kernel_bytes: note.kernel_parts.total(),
            kernel_parts: note.kernel_parts,
            image_bytes: ByteCount(image_bytes),
        })
    }
}
