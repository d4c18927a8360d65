//! Shortest chains from the entry: how a reader gets convinced that a function can run.

use std::collections::{BTreeSet, VecDeque};

use super::call_tables::Seen;
use super::exit::FunctionId;
use super::function::Origin;
use super::names::function_name;
use super::program::Program;

/// The function before each reachable function on a shortest path from the entry.
pub(super) struct Chains {
    before: Vec<Link>,
}

/// How a function is reached.
#[derive(Clone, Copy)]
enum Link {
    /// Not yet.
    None,
    /// It is where the program starts.
    Entry,
    /// From there.
    From(Origin),
}

impl Chains {
    /// Those to the functions `wanted`, breadth first over calls and jumps; functions that only a pointer leads to hang
    /// where the pointer was found.
    pub fn new(program: &Program<'_>, wanted: impl Iterator<Item = FunctionId>) -> Chains {
        let mut missing: BTreeSet<FunctionId> = wanted.collect();
        let mut chains = Chains { before: vec![Link::None; program.functions.len()] };
        let mut queue: VecDeque<FunctionId> = program.function_at(program.code.elf.entry.0).into_iter().collect();
        for entry in &queue {
            chains.before[entry.index()] = Link::Entry;
        }
        // First over calls; what these do not reach is then reached through taken addresses, lowest function first.
        let mut pointed: Vec<FunctionId> = program.function_ids().collect();
        pointed.sort_by_key(|&id| program[id].entry);
        let (mut pointed, mut seen) = (pointed.into_iter(), Seen::default());
        loop {
            while let Some(from) = queue.pop_front() {
                if missing.remove(&from) && missing.is_empty() {
                    return chains;
                }
                let called = program[from].blocks.iter().flat_map(|&block| program.blocks[block].exit.targets());
                let taken = program[from].code_references.iter().filter_map(|&target| program.function_at(target));
                let by_table = program.call_tables().of(from).flat_map(|table| seen.once(table)).copied();
                for target in called.chain(taken).chain(by_table) {
                    chains.link(target, Origin::Function(from), &mut queue);
                }
            }
            let Some(next) = pointed.next() else { break };
            if let Some(origin @ Origin::Data(_)) = program[next].origin {
                chains.link(next, origin, &mut queue);
            }
        }
        chains
    }

    fn link(&mut self, target: FunctionId, origin: Origin, queue: &mut VecDeque<FunctionId>) {
        let link = &mut self.before[target.index()];
        if matches!(link, Link::None) {
            *link = Link::From(origin);
            queue.push_back(target);
        }
    }

    /// Names from the entry to `function`, both included. A function that only a pointer in data leads to follows the
    /// entry and the pointer's place.
    pub fn to(&self, program: &Program<'_>, function: FunctionId) -> Vec<String> {
        let code = &program.code;
        let name = |id: FunctionId| function_name(code, program[id].entry);
        let mut names = vec![name(function)];
        let mut at = function;
        while let Link::From(origin) = self.before[at.index()] {
            match origin {
                Origin::Function(from) => {
                    names.push(name(from));
                    at = from;
                }
                Origin::Data(holder) => {
                    names.push(format!("[pointer at {holder}]"));
                    names.push(function_name(code, code.elf.entry.0));
                    break;
                }
            }
        }
        names.reverse();
        names
    }
}
