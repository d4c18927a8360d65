//! Static analysis: which syscall numbers can each reachable `ecall` carry, and with what evidence.
//!
//! Pure: from an [`AppElf`](crate::elf::AppElf) to an [`Analysis`]; no files, no processes, no clock, and work bounded
//! by the size of the program. The parts, in the order in which they work:
//!
//! * `code`, `pointers`: bytes as instructions and constants; code addresses in data.
//! * `holders`: which constants reachable code can get at.
//! * `exceptions`: where the unwinder enters functions.
//! * `go`: what a Go program's own tables say of its code.
//! * `explore`, `blocks`, `exit`, `function`, `state`, `value`, `packed`, `arena`: a function's blocks, found by running it on abstract values.
//! * `premises`: what is taken for granted until the code proves it wrong.
//! * `program`, `surroundings`: all reachable functions, to a fixed point.
//! * `flow`, `cells`, `liveness`: callers, clobbered registers, memory writers, live registers.
//! * `leaf`: calls of functions that only copy or clear memory.
//! * `tracking`: calls through a pointer all of whose uses are seen.
//! * `resolve`, `word`: the backward search for the numbers that the forward pass leaves open.
//! * `reach`, `names`, `sites`: chains, labels, and the sites put together.
//! * `instructions`, `reservation`: what reachable code asks of the instruction set, for machines that lack some of it.

mod arena;
mod blocks;
mod cells;
mod code;
mod cursor;
mod exceptions;
mod exit;
mod explore;
mod flow;
mod function;
mod go;
mod holders;
mod instructions;
mod leaf;
mod liveness;
mod names;
mod packed;
mod pointers;
mod premises;
mod program;
mod reach;
mod reservation;
mod resolve;
mod result;
mod sites;
mod state;
mod surroundings;
mod tracking;
mod value;
mod word;

use std::collections::BTreeSet;

pub use instructions::{AtomicSite, CodeListing, Mention};
pub use result::{Analysis, Evidence, ProgramFeatures, Site};

use crate::address::Address;
use crate::elf::AppElf;
use arena::Arena;
use code::Code;
use flow::Flow;
use premises::Premises;
use program::Program;

/// Analyses `elf`.
pub fn analyse(elf: &AppElf) -> Analysis {
    recovered(elf, |program, flow, premises| Analysis {
        global_pointer: premises.global_pointer(program),
        ..results(program, flow)
    })
}

/// Lists what the reachable code of `elf` asks of the instruction set. The code is recovered again for it: few builds need it.
pub fn list_instructions(elf: &AppElf) -> CodeListing {
    recovered(elf, |program, flow, _| CodeListing::new(program, flow))
}

/// What `see` finds in the reachable code of `elf`.
fn recovered<T>(elf: &AppElf, see: impl FnOnce(&Program<'_>, &Flow, &Premises) -> T) -> T {
    let mut premises = Premises::first(elf);
    loop {
        let arena = Arena::new();
        let program = Program::recover(Code::new(elf, &arena, premises.code, premises.whole_words), &premises);
        let flow = Flow::new(&program);
        match premises.corrected(&program, &flow) {
            Some(corrected) => premises = corrected,
            None => return see(&program, &flow, &premises),
        }
    }
}

fn results(program: &Program<'_>, flow: &Flow) -> Analysis {
    let mut sites = sites::reachable_sites(program, flow);
    sites.extend(sites::unreachable_sites(program, flow));
    sites.sort_by_key(|site| site.address);
    let jumps: BTreeSet<u64> =
        program.functions.iter().flat_map(|function| &function.unbounded_jumps).copied().collect();
    Analysis {
        sites,
        features: program.features,
        unbounded_jumps: jumps.into_iter().map(Address).collect(),
        address_taken_rule: program.address_taken_rule(),
        global_pointer: None,
    }
}
