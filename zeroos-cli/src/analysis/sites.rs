//! The `ecall` sites and what later stages want to know of each.

use std::collections::{BTreeMap, BTreeSet};

use super::cells::Cells;
use super::flow::{BlockId, Flow, caller_saved};
use super::liveness::Liveness;
use super::names::function_name;
use super::program::Program;
use super::reach::Chains;
use super::resolve::Search;
use super::result::{Evidence, ProgramFeatures, Site};
use super::value::Value;
use crate::address::Address;
use crate::isa::{Instruction, Op, Register, RegisterSet};
use crate::linux::SyscallNumber;

/// Every site that can be reached, by address.
pub(super) fn reachable_sites(program: &Program<'_>) -> Vec<Site> {
    let flow = Flow::new(program);
    let liveness = Liveness::new(program, &flow);
    let cells = Cells::new(program, &liveness);
    let chains = Chains::new(program);
    let mut search = Search::new(program, &flow, &cells, &liveness);
    let mut places: BTreeMap<u64, Vec<BlockId>> = BTreeMap::new();
    for (&entry, function) in &program.functions {
        for &site in &function.sites {
            let first = function.blocks.range(..=site).rev();
            for (&start, _) in first.take_while(|(_, block)| block.end > site) {
                places.entry(site).or_default().push(BlockId { function: entry, start });
            }
        }
    }
    let targets = branch_targets(program);
    places
        .into_iter()
        .map(|(address, blocks)| {
            let function = blocks[0].function;
            let live_after =
                blocks.iter().fold(RegisterSet::EMPTY, |live, &block| live.union(liveness.after_site(block, address)));
            let temporaries = caller_saved(super::state::Convention::Standard)
                .without(Register::RA)
                .iter()
                .filter(|register| !(10..=17).contains(&register.number()))
                .fold(RegisterSet::EMPTY, RegisterSet::with);
            Site {
                address: Address(address),
                function: Address(function),
                function_name: function_name(program.code.elf, function),
                evidence: evidence(program, &mut search, &blocks, address),
                origins: BTreeMap::new(),
                reachable: true,
                chain: chains.to(program, function),
                live_after,
                dead_temporaries: temporaries.minus(live_after),
                branch_target: targets.contains(&address),
            }
        })
        .collect()
}

fn evidence(program: &Program<'_>, search: &mut Search<'_, '_>, blocks: &[BlockId], address: u64) -> Evidence {
    let mut numbers = BTreeSet::new();
    let mut story = None;
    for &block in blocks {
        let forward = program.functions.get(&block.function).and_then(|function| {
            function
                .walk(block.start, &program.code)
                .find(|&(at, ..)| at == address)
                .map(|step| step.2.get(Register::A7))
        });
        match forward {
            Some(Value::Constant(number)) => {
                numbers.insert(SyscallNumber(number));
            }
            Some(Value::Set(values)) => {
                numbers.extend(values.iter().map(|&number| SyscallNumber(number)));
                story.get_or_insert_with(|| "set on the paths that meet before the site".to_owned());
            }
            _ => {
                let found = search.register_before(block, address, Register::A7);
                match found.numbers {
                    Some(all) => numbers.extend(all.into_iter().map(SyscallNumber)),
                    None => return Evidence::Unbounded { why: format!("a7 is not known: {}", found.why) },
                }
                story.get_or_insert(found.why);
            }
        }
    }
    match (numbers.first(), story) {
        (Some(&number), None) if numbers.len() == 1 => Evidence::Constant(number),
        (None, _) => Evidence::Unbounded { why: "a7 is never set on a path to it".to_owned() },
        (_, story) => {
            let why = story.unwrap_or_else(|| "set in each of the functions that share the site".to_owned());
            Evidence::Propagated { numbers, why }
        }
    }
}

/// The sites that no path reaches: found by decoding all code from front to back. Only constants right before them are
/// recognised.
pub(super) fn unreachable_sites(program: &Program<'_>, reachable: &BTreeSet<u64>) -> Vec<Site> {
    let code = &program.code;
    let mut sites = Vec::new();
    for range in code.executable() {
        let mut at = range.start().0;
        let mut number = None;
        while at < range.end().0 {
            let Some(instruction) = code.fetch(at) else {
                at += 2;
                number = None;
                continue;
            };
            if instruction.op == Op::Ecall && !reachable.contains(&at) {
                sites.push(unreachable_site(program, at, number));
            }
            number = number_after(&instruction, number);
            at += u64::from(instruction.length);
        }
    }
    sites
}

fn number_after(instruction: &Instruction, number: Option<u64>) -> Option<u64> {
    let effects = instruction.effects();
    if effects.flow != crate::isa::ControlFlow::Next {
        return None;
    }
    match effects.defines.contains(Register::A7) {
        true if instruction.op == Op::Addi && instruction.rs1() == Register::ZERO => {
            Some(i64::from(instruction.immediate) as u64)
        }
        true => None,
        false => number,
    }
}

fn unreachable_site(program: &Program<'_>, at: u64, number: Option<u64>) -> Site {
    let elf = program.code.elf;
    let function = program.start_before(at);
    let evidence = match number {
        Some(number) => Evidence::Constant(SyscallNumber(number)),
        None => Evidence::Unbounded { why: "no path from the entry reaches it, so it was not searched".to_owned() },
    };
    Site {
        address: Address(at),
        function: Address(function),
        function_name: function_name(elf, function),
        evidence,
        origins: BTreeMap::new(),
        reachable: false,
        chain: Vec::new(),
        live_after: super::flow::all_registers().without(Register::A0),
        dead_temporaries: RegisterSet::EMPTY,
        branch_target: true,
    }
}

fn branch_targets(program: &Program<'_>) -> BTreeSet<u64> {
    let mut targets = program.address_taken.clone();
    for function in program.functions.values() {
        targets.extend(&function.code_references);
        for block in function.blocks.values() {
            targets
                .extend(block.exit.successors.iter().filter(|&&next| next != block.end || block.exit.call.is_some()));
            let callees = block.exit.call.iter().chain(&block.exit.tail);
            targets.extend(callees.flat_map(|callee| &callee.known));
        }
    }
    targets
}

/// Which extensions reachable code needs, and where first.
pub(super) fn features(program: &Program<'_>) -> ProgramFeatures {
    let mut features = ProgramFeatures::default();
    let first = |known: &mut Option<Address>, at: u64| {
        *known = Some(known.map_or(Address(at), |known| known.min(Address(at))));
    };
    for function in program.functions.values() {
        for (&start, block) in &function.blocks {
            let mut at = start;
            while at < block.end {
                let Some(instruction) = program.code.fetch(at) else { break };
                if instruction.length == 2 {
                    first(&mut features.compressed, at);
                }
                if (Op::LrW..=Op::AmomaxuD).contains(&instruction.op) {
                    first(&mut features.atomics, at);
                }
                let is_csr = (Op::Csrrw..=Op::Csrrci).contains(&instruction.op);
                if (Op::Flw..=Op::FmvDX).contains(&instruction.op) || is_csr && instruction.csr() <= 3 {
                    first(&mut features.float, at);
                }
                if (Op::Fld..=Op::FmvDX).contains(&instruction.op) {
                    first(&mut features.double, at);
                }
                at += u64::from(instruction.length);
            }
        }
    }
    features
}
