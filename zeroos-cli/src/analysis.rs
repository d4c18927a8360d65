//! Static analysis: which syscall numbers can each reachable `ecall` carry, and with what evidence.
//!
//! Pure: from an [`AppElf`](crate::elf::AppElf) to an [`Analysis`]; no files, no processes, no clock, and work bounded
//! by the size of the program. The parts, in the order in which they work:
//!
//! * `code`, `pointers`: bytes as instructions and constants; code addresses in data.
//! * `exceptions`: where the unwinder enters functions.
//! * `go`: what a Go program's own tables say of its code.
//! * `function`, `state`, `value`: a function's blocks, found by running it on abstract values.
//! * `program`: all reachable functions, to a fixed point.
//! * `flow`, `cells`, `liveness`: callers, clobbered registers, memory writers, live registers.
//! * `tracking`: calls through a pointer all of whose uses are seen.
//! * `resolve`, `word`: the backward search for the numbers that the forward pass leaves open.
//! * `reach`, `names`, `sites`: chains, labels, and the sites put together.

mod cells;
mod code;
mod exceptions;
mod flow;
mod function;
#[allow(dead_code)]
mod go;
mod liveness;
mod names;
mod pointers;
mod program;
mod reach;
mod resolve;
mod result;
mod sites;
mod state;
mod tracking;
mod value;
mod word;

use std::collections::BTreeSet;

pub use result::{Analysis, Evidence, ProgramFeatures, Site};

use crate::address::Address;
use crate::elf::AppElf;

/// Analyses `elf`.
pub fn analyse(elf: &AppElf) -> Analysis {
    let program = program::Program::recover(code::Code::new(elf));
    let mut sites = sites::reachable_sites(&program);
    let reachable: BTreeSet<u64> = sites.iter().map(|site| site.address.0).collect();
    sites.extend(sites::unreachable_sites(&program, &reachable));
    sites.sort_by_key(|site| site.address);
    let jumps: BTreeSet<u64> =
        program.functions.values().flat_map(|function| &function.unbounded_jumps).copied().collect();
    Analysis {
        sites,
        features: sites::features(&program),
        unbounded_jumps: jumps.into_iter().map(Address).collect(),
        address_taken_rule: program.address_taken_rule().to_owned(),
    }
}
