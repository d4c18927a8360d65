//! Shortest chains from the entry: how a reader gets convinced that a function can run.

use std::collections::{BTreeMap, VecDeque};

use super::names::function_name;
use super::program::{Origin, Program};

/// The function before each reachable function on a shortest path from the entry.
pub(super) struct Chains {
    before: BTreeMap<u64, Option<Origin>>,
}

impl Chains {
    /// Breadth first over calls and jumps; functions that only a pointer leads to hang where the pointer was found.
    pub fn new(program: &Program<'_>) -> Chains {
        let entry = program.code.elf.entry.0;
        let mut before = BTreeMap::from([(entry, None)]);
        let mut queue = VecDeque::from([entry]);
        // First over calls; what these do not reach is then reached through taken addresses, nearest holder first.
        let mut pointed: VecDeque<u64> = program.origins.keys().copied().collect();
        loop {
            while let Some(from) = queue.pop_front() {
                let Some(function) = program.functions.get(&from) else { continue };
                let exits = function.blocks.values().flat_map(|block| block.exit.call.iter().chain(&block.exit.tail));
                let called = exits.flat_map(|callee| &callee.known).copied();
                for target in called.chain(function.code_references.iter().copied()) {
                    if program.functions.contains_key(&target) && !before.contains_key(&target) {
                        before.insert(target, Some(Origin::Function(from)));
                        queue.push_back(target);
                    }
                }
            }
            let Some(next) = pointed.pop_front() else { break };
            if let Some(&Origin::Data(holder)) = program.origins.get(&next)
                && !before.contains_key(&next)
            {
                before.insert(next, Some(Origin::Data(holder)));
                queue.push_back(next);
            }
        }
        Chains { before }
    }

    /// Names from the entry to `function`, both included. A function that only a pointer in data leads to follows the
    /// entry and the pointer's place.
    pub fn to(&self, program: &Program<'_>, function: u64) -> Vec<String> {
        let elf = program.code.elf;
        let mut names = vec![function_name(elf, function)];
        let mut at = function;
        while let Some(Some(origin)) = self.before.get(&at) {
            match *origin {
                Origin::Function(from) => {
                    names.push(function_name(elf, from));
                    at = from;
                }
                Origin::Data(holder) => {
                    names.push(format!("[pointer at {holder}]"));
                    at = elf.entry.0;
                    names.push(function_name(elf, at));
                    break;
                }
            }
        }
        names.reverse();
        names
    }
}
