//! The `ecall` sites and what later stages want to know of each.

use std::collections::BTreeSet;

use super::cells::Cells;
use super::exit::BlockId;
use super::flow::{Flow, caller_saved};
use super::go::GoFile;
use super::liveness::Liveness;
use super::names::function_name;
use super::program::Program;
use super::reach::Chains;
use super::resolve::{Found, Origins, Search};
use super::result::{Evidence, Site};
use super::state::Convention;
use super::unwound::{self, kept_by_callees};
use super::value::Value;
use crate::address::Address;
use crate::isa::{Instruction, Register, RegisterSet};
use crate::linux::SyscallNumber;

/// Every site that can be reached, by address.
pub(super) fn reachable_sites<'p, 'a>(
    program: &'p Program<'a>,
    flow: &'p Flow,
    cells: &'p Cells<'p, 'a>,
    liveness: &'p Liveness<'p, 'a>,
) -> Vec<Site> {
    let search = || -> Vec<(bool, Evidence, Origins)> {
        let mut search = Search::new(program, flow, cells, liveness);
        flow.sites.iter().map(|(&address, blocks)| evidence(program, &mut search, blocks, address)).collect()
    };
    // First blindly, which tells soon of most functions that are to be explored.
    if program.blocks.have_swept() {
        cells.blindly(|| drop(search()));
    }
    if program.blocks.are_wanting() {
        return Vec::new();
    }
    let known = search();
    if program.blocks.are_wanting() {
        return Vec::new();
    }
    let chains = Chains::new(program, flow.sites.values().map(|blocks| program.blocks[blocks[0]].function));
    let temporaries = caller_saved(Convention::Standard)
        .without(Register::RA)
        .iter()
        .filter(|register| !(10..=17).contains(&register.number()))
        .fold(RegisterSet::EMPTY, RegisterSet::with);
    let references = references(program);
    let targets = branch_targets(program, &references, flow);
    let is_lost = lost(program).is_some();
    let sites = flow.sites.iter().zip(known);
    sites
        .map(|((&address, blocks), (runs, evidence, origins))| {
            let function = program.blocks[blocks[0]].function;
            let live_after =
                blocks.iter().fold(RegisterSet::EMPTY, |live, &block| live.union(liveness.after_site(block, address)));
            let entry = program[function].entry;
            let branch_target = targets.contains(&address);
            Site {
                address: Address(address),
                function: Address(entry),
                function_name: function_name(&program.code, entry),
                reachable: runs,
                chain: if runs { chains.to(program, function) } else { Vec::new() },
                evidence,
                origins,
                arguments: arguments(program, blocks, address),
                live_after,
                dead_kept: kept_by_callees().minus(live_after).minus(unwound::wanted(program, blocks, address)),
                dead_temporaries: temporaries.minus(live_after),
                branch_target,
                // Where control is lost, it may come from anywhere.
                before: if branch_target || is_lost {
                    Vec::new()
                } else {
                    before(program, &references, blocks, address)
                },
            }
        })
        .collect()
}

/// Why nothing can be concluded from what code was found and what was not, if that is so.
fn lost(program: &Program<'_>) -> Option<String> {
    let unreadable = matches!(program.code.go, GoFile::Unreadable);
    let tables = "it is a Go program, but the tables that name all its functions are of a version not known here";
    program.lost.clone().or_else(|| unreadable.then(|| tables.to_owned()))
}

/// Whether the site can run at all, what is known of its number, and which instructions make it.
fn evidence(
    program: &Program<'_>,
    search: &mut Search<'_, '_>,
    blocks: &[BlockId],
    address: u64,
) -> (bool, Evidence, Origins) {
    let mut origins = Origins::new();
    if let Some(why) = lost(program) {
        return (true, Evidence::Unbounded { why }, origins);
    }
    let mut numbers = BTreeSet::new();
    let (mut story, mut never) = (None, None);
    for &block in blocks {
        let mut forward = Value::Any;
        program.blocks.visit(block, &program.code, |at, _, state| {
            if at == address {
                forward = state.get(Register::A7);
            }
        });
        let known = forward.constants().map(|numbers| numbers.iter().copied().collect());
        let here: BTreeSet<u64> = match known {
            Some(known) => known,
            None => match search.register_before(block, address, Register::A7) {
                Found::Numbers(numbers, why) => {
                    story.get_or_insert(why);
                    numbers
                }
                Found::Never(load) => {
                    never = never.or(load);
                    continue;
                }
                Found::Lost(why) => {
                    return (true, Evidence::Unbounded { why: format!("a7 is not known: {why}") }, Origins::new());
                }
            },
        };
        if let Value::Set(_) = forward {
            story.get_or_insert_with(|| "set on the paths that meet before the site".to_owned());
        }
        let here: BTreeSet<SyscallNumber> = here.into_iter().map(SyscallNumber).collect();
        search.add_origins(block, address, forward.constants().is_none(), &here, &mut origins);
        numbers.extend(here);
    }
    let evidence = match (numbers.first(), story) {
        (Some(&number), None) if numbers.len() == 1 => Evidence::Constant(number),
        (None, _) => {
            let load = never.map(|load| format!(": the load at {load:#x} goes through a null pointer"));
            let why = format!("control never gets there{}", load.unwrap_or_default());
            return (false, Evidence::Unbounded { why }, origins);
        }
        (_, story) => {
            let why = story.unwrap_or_else(|| "set in each of the functions that share the site".to_owned());
            Evidence::Propagated { numbers, why }
        }
    };
    (true, evidence, origins)
}

/// What the forward pass knows of the arguments of the site.
fn arguments(program: &Program<'_>, blocks: &[BlockId], address: u64) -> [Option<BTreeSet<u64>>; 6] {
    let mut arguments = [const { Some(BTreeSet::new()) }; 6];
    for &block in blocks {
        program.blocks.visit(block, &program.code, |at, _, state| {
            if at != address {
                return;
            }
            for (argument, number) in arguments.iter_mut().zip(Register::A0.number()..) {
                match (state.get(Register::new(number)).constants(), &mut *argument) {
                    (Some(constants), Some(known)) => known.extend(constants),
                    _ => *argument = None,
                }
            }
        });
    }
    arguments.map(|known| known.filter(|known| !known.is_empty()))
}

/// The sites that no path was seen to reach, which can run all the same where control is lost: found by their bytes and by decoding the code in front of them. Only constants right
/// before them are recognised.
pub(super) fn unreachable_sites(program: &Program<'_>, flow: &Flow) -> Vec<Site> {
    /// Bytes decoded in front of a site at most.
    const WINDOW: u64 = 4096;
    let bytes = program.code.ecall_bytes().filter(|at| !flow.sites.contains_key(at));
    let sites = bytes.filter_map(|at| {
        let start = program.start_before(at).max(at.saturating_sub(WINDOW));
        Some((at, program.code.decoded_site(start, at)?))
    });
    sites.map(|(at, number)| unreachable_site(program, at, number)).collect()
}

fn unreachable_site(program: &Program<'_>, at: u64, number: Option<u64>) -> Site {
    let function = program.start_before(at);
    let lost = lost(program);
    let reachable = lost.is_some();
    let evidence = match (lost, number) {
        (Some(why), _) => Evidence::Unbounded { why },
        (None, Some(number)) => Evidence::Constant(SyscallNumber(number)),
        (None, None) => {
            Evidence::Unbounded { why: "no path from the entry reaches it, so it was not searched".to_owned() }
        }
    };
    Site {
        address: Address(at),
        function: Address(function),
        function_name: function_name(&program.code, function),
        evidence,
        origins: Origins::new(),
        arguments: [const { None }; 6],
        reachable,
        chain: Vec::new(),
        live_after: super::flow::all_registers().without(Register::A0),
        dead_kept: RegisterSet::EMPTY,
        dead_temporaries: RegisterSet::EMPTY,
        branch_target: true,
        before: Vec::new(),
    }
}

/// The instructions that fill the four bytes before `site`, which nothing jumps to, if no block begins among them.
fn before(program: &Program<'_>, references: &[u64], blocks: &[BlockId], site: u64) -> Vec<Instruction> {
    let start = site.wrapping_sub(4);
    let middle = site.wrapping_sub(2);
    // Where instructions are four bytes long, none lies in the middle.
    let begins = |at: u64| program.code.slot(at).is_some_and(|slot| program.blocks.any_at(slot));
    if begins(middle) || begins(site) || is_known_elsewhere(program, references, middle) {
        return Vec::new();
    }
    let of_block = |&block: &BlockId| {
        let instructions = program.blocks.instructions(block, &program.code);
        let mut near = instructions.skip_while(|&(at, _)| at < start).take_while(|&(at, _)| at < site).peekable();
        let is_whole = near.peek().is_some_and(|&(at, _)| at == start);
        if is_whole { near.map(|(_, instruction)| instruction).collect() } else { Vec::new() }
    };
    let mut all = blocks.iter().map(of_block);
    let first: Vec<Instruction> = all.next().unwrap_or_default();
    if all.all(|other| other == first) { first } else { Vec::new() }
}

/// The code addresses that any function computes or loads from constant memory, ascending.
fn references(program: &Program<'_>) -> Vec<u64> {
    let mut all: Vec<u64> = program.code_references().collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Whether `at` is a function, or an address that data has or code, which has `references`; a word in data counts here
/// even if it was taken for a number.
fn is_known_elsewhere(program: &Program<'_>, references: &[u64], at: u64) -> bool {
    program.function_at(at).is_some()
        || program.address_taken.contains(&at)
        || program.is_in_data(at)
        || references.binary_search(&at).is_ok()
}

/// The sites that control may enter from elsewhere than from the instruction before.
fn branch_targets(program: &Program<'_>, references: &[u64], flow: &Flow) -> BTreeSet<u64> {
    let is_entered = |&&site: &&u64| {
        let jumped_at = flow.sites[&site].iter().any(|&block| {
            let before = flow.predecessors(block).iter().map(|&before| &program.blocks[before]);
            let mut jumps = before.map(|before| before.end() != site || before.exit.call().is_some());
            program.blocks[block].start == site && jumps.any(|jumps| jumps)
        });
        jumped_at || is_known_elsewhere(program, references, site)
    };
    flow.sites.keys().filter(is_entered).copied().collect()
}
