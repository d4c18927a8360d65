//! Static analysis: which syscall numbers can each reachable `ecall` carry, and with what evidence.
//!
//! Pure: from an [`AppElf`](crate::elf::AppElf) to an [`Analysis`]; no files, no processes, no clock, and work bounded
//! by the size of the program.

mod result;

pub use result::{Analysis, Evidence, ProgramFeatures, Site};

use crate::elf::AppElf;

/// Analyses `elf`.
pub fn analyse(elf: &AppElf) -> Analysis {
    let _ = elf;
    todo!("analysis")
}
