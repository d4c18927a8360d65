//! Static analysis: which syscall numbers can each reachable `ecall` carry, and with what evidence.
//!
//! Pure: from an [`AppElf`](crate::elf::AppElf) to an [`Analysis`]; no files, no processes, no clock, and work bounded
//! by the size of the program. The parts, in the order in which they work:
//!
//! * `code`, `pointers`: bytes as instructions and constants; code addresses in data.
//! * `unreached`: which of them point into instructions of code that nothing was seen to reach.
//! * `holders`: which constants reachable code can get at.
//! * `exceptions`: where functions lie by the unwinder's tables, and where it enters them.
//! * `go`: what a Go program's own tables say of its code.
//! * `explore`, `block`, `blocks`, `exit`, `function`, `slots`, `state`, `value`, `packed`, `arena`: a function's blocks, found by running it on abstract values.
//! * `explore/sweep`: functions of Go that are only gone through.
//! * `call_tables`: tables of functions, shared by all calls that go by them.
//! * `start_up`, `finished`, `runs`: what the first instructions do in every run, and code that only they use.
//! * `premises`: what is taken for granted until the code proves it wrong.
//! * `program`, `surroundings`: all reachable functions, to a fixed point.
//! * `flow`, `cells`, `liveness`: callers, clobbered registers, memory writers, live registers.
//! * `leaf`: calls of functions that only copy or clear memory.
//! * `unwound`: registers that only an unwinder may look for.
//! * `tracking`: calls through a pointer all of whose uses are seen.
//! * `handed_out`: what is written to a stack slot through its address.
//! * `resolve`, `word`: the backward search for the numbers that the forward pass leaves open.
//! * `reach`, `names`, `sites`: chains, labels, and the sites put together.
//! * `instructions`, `reservation`: what reachable code asks of the instruction set, for machines that lack some of it.

mod arena;
mod block;
mod blocks;
mod bounds;
mod call_tables;
mod cells;
mod code;
mod cursor;
mod exceptions;
mod exit;
mod explore;
mod finished;
mod flow;
mod function;
mod go;
mod handed_out;
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
mod runs;
mod sites;
mod slots;
mod start_up;
mod state;
mod surroundings;
mod tracking;
mod unreached;
mod unwound;
mod value;
mod word;

use std::collections::BTreeSet;

pub use finished::Finished;
pub use instructions::{AtomicSite, CodeListing, Mention};
pub use result::{Analysis, Evidence, ProgramFeatures, Site};
pub use start_up::InitialState;

use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::AppElf;
use arena::Arena;
use cells::Cells;
use code::Code;
use flow::Flow;
use liveness::Liveness;
use premises::Premises;
use program::{Program, Recovery};
use start_up::StartUp;

/// Analyses `elf`, however it is started.
pub fn analyse(elf: &AppElf) -> Analysis {
    analyse_started(elf, &[])
}

/// Analyses `elf`, which is started in one of the ways `initial`. What the result says holds for other ways, too, for which
/// [`Finished::holds_for`] does.
pub fn analyse_started(elf: &AppElf, initial: &[InitialState]) -> Analysis {
    let starts = || initial.iter().map(|initial| StartUp::of(elf, initial)).collect();
    recovered(elf, true, |program, flow, premises| {
        let liveness = Liveness::new(program, flow);
        let cells = Cells::new(program, &liveness);
        match premises.started(program, flow, &cells, &liveness, starts) {
            Some(premises) => Err(premises),
            None => Ok(Analysis {
                global_pointer: premises.global_pointer(program),
                finished: premises.finished().cloned(),
                ..results(program, flow, &cells, &liveness)
            }),
        }
    })
}

/// Lists what the reachable code of `elf` asks of the instruction set. The code is recovered again for it: few builds need it.
/// Whatever the `analysis` of it counts as a site, in code that is only swept, is not free to be used either.
pub fn list_instructions(elf: &AppElf, analysis: &Analysis) -> CodeListing {
    let mut listing = recovered(elf, false, |program, flow, _| Ok(CodeListing::new(program, flow)));
    let sites = analysis.sites.iter().filter(|site| site.reachable);
    listing.stops.extend(sites.filter_map(|site| AddressRange::new(site.address.offset(-4), ByteCount(8))));
    listing
}

/// What `see` finds in the reachable code of `elf`, unless it has other premises to find that code by. With `sweeps`, functions
/// whose instructions it does not look at are just swept.
fn recovered<T>(elf: &AppElf, sweeps: bool, see: impl Fn(&Program<'_>, &Flow, &Premises) -> Result<T, Premises>) -> T {
    let mut premises = Premises::first(elf);
    loop {
        let arena = Arena::new();
        let code = Code::new(elf, &arena, premises.code, premises.whole_words);
        let mut recovery = Recovery::new(code, &premises, sweeps);
        let seen = loop {
            let program = &recovery.program;
            let flow = Flow::new(program);
            let seen = match premises.corrected(program, &flow) {
                Some(corrected) => Err(corrected),
                None => see(program, &flow, &premises),
            };
            if !recovery.explore_wanted(&premises) {
                break seen;
            }
        };
        match seen {
            Ok(found) => return found,
            Err(others) => premises = others,
        }
    }
}

fn results<'p, 'a>(
    program: &'p Program<'a>,
    flow: &'p Flow,
    cells: &'p Cells<'p, 'a>,
    liveness: &'p Liveness<'p, 'a>,
) -> Analysis {
    let mut sites = sites::reachable_sites(program, flow, cells, liveness);
    if !program.blocks.are_wanting() {
        sites.extend(sites::unreachable_sites(program, flow));
    }
    sites.sort_by_key(|site| site.address);
    let jumps: BTreeSet<u64> =
        program.functions.iter().flat_map(|function| &function.unbounded_jumps).copied().collect();
    Analysis {
        sites,
        features: program.features,
        unbounded_jumps: jumps.into_iter().map(Address).collect(),
        address_taken_rule: program.address_taken_rule(),
        global_pointer: None,
        finished: None,
    }
}

/// What is known of `elf`, whose functions may be swept or not, and how many at last were just swept.
#[cfg(test)]
fn recover_and_see(elf: &AppElf, sweeps: bool) -> (Analysis, usize) {
    recovered(elf, sweeps, |program, flow, _| {
        let liveness = Liveness::new(program, flow);
        let cells = Cells::new(program, &liveness);
        let swept = program.blocks.ids().filter(|&id| program.blocks[id].is_swept()).count();
        Ok((results(program, flow, &cells, &liveness), swept))
    })
}
