//! Facts about how functions hang together: predecessors of blocks, callers of functions, registers that calls change.

use std::collections::{BTreeMap, BTreeSet};

use super::program::Program;
use super::state::Convention;
use crate::isa::{Register, RegisterSet};

/// A block of a function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct BlockId {
    /// Entry address of the function.
    pub function: u64,
    /// Start address of the block.
    pub start: u64,
}

/// Edges of the program, backwards.
pub(super) struct Flow {
    predecessors: BTreeMap<BlockId, Vec<u64>>,
    callers: BTreeMap<u64, Vec<BlockId>>,
    clobbers: BTreeMap<u64, RegisterSet>,
    returns: BTreeMap<u64, Vec<u64>>,
}

impl Flow {
    /// Collects the edges of `program`.
    pub fn new(program: &Program<'_>) -> Flow {
        let mut flow = Flow {
            predecessors: BTreeMap::new(),
            callers: BTreeMap::new(),
            clobbers: BTreeMap::new(),
            returns: BTreeMap::new(),
        };
        for (&entry, function) in &program.functions {
            for (&start, block) in &function.blocks {
                let id = BlockId { function: entry, start };
                for &successor in &block.exit.successors {
                    flow.predecessors.entry(BlockId { function: entry, start: successor }).or_default().push(start);
                }
                for callee in block.exit.call.iter().chain(&block.exit.tail) {
                    for &target in &callee.known {
                        flow.callers.entry(target).or_default().push(id);
                    }
                }
                if block.exit.returns {
                    flow.returns.entry(entry).or_default().push(start);
                }
            }
        }
        flow.clobbers = clobbers(program);
        flow
    }

    /// Starts of the blocks of the same function that can come right before `block`.
    pub fn predecessors(&self, block: BlockId) -> &[u64] {
        self.predecessors.get(&block).map_or(&[], Vec::as_slice)
    }

    /// The blocks that end in a call of, or a jump to, `function` by its address.
    pub fn callers(&self, function: u64) -> &[BlockId] {
        self.callers.get(&function).map_or(&[], Vec::as_slice)
    }

    /// Starts of the blocks of `function` that end in a return.
    pub fn returns(&self, function: u64) -> &[u64] {
        self.returns.get(&function).map_or(&[], Vec::as_slice)
    }

    /// The registers that a call of `function` may change and not restore.
    pub fn clobbers(&self, function: u64) -> RegisterSet {
        self.clobbers.get(&function).copied().unwrap_or(all_registers())
    }
}

/// x1–x31.
pub(super) fn all_registers() -> RegisterSet {
    (1..32).fold(RegisterSet::EMPTY, |set, number| set.with(Register::new(number)))
}

/// What a callee need not preserve.
pub(super) fn caller_saved(convention: Convention) -> RegisterSet {
    match convention {
        Convention::Standard => (1..32)
            .map(Register::new)
            .filter(|register| !register.is_callee_saved())
            .fold(RegisterSet::EMPTY, RegisterSet::with),
        Convention::Go => [2, 3, 4, 27].iter().fold(all_registers(), |set, &kept| set.without(Register::new(kept))),
    }
}

/// Least fixed point over the call graph: own writes plus those of callees, minus what the convention preserves.
fn clobbers(program: &Program<'_>) -> BTreeMap<u64, RegisterSet> {
    let volatile = caller_saved(program.convention);
    let mut sets: BTreeMap<u64, RegisterSet> = BTreeMap::new();
    let mut dependents: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for (&entry, function) in &program.functions {
        let mut own = RegisterSet::EMPTY;
        for (&start, block) in &function.blocks {
            let mut at = start;
            while at < block.end {
                let Some(instruction) = program.code.fetch(at) else { break };
                own = own.union(instruction.effects().defines);
                if instruction.op == crate::isa::Op::Ecall {
                    own = own.with(Register::A0);
                }
                at += u64::from(instruction.length);
            }
            for callee in block.exit.call.iter().chain(&block.exit.tail) {
                if callee.unknown {
                    own = own.union(volatile);
                }
                for &target in &callee.known {
                    if program.functions.contains_key(&target) {
                        dependents.entry(target).or_default().insert(entry);
                    } else {
                        own = own.union(volatile);
                    }
                }
            }
        }
        sets.insert(entry, own.minus(all_registers().minus(volatile)));
    }
    let mut work: Vec<u64> = sets.keys().copied().collect();
    while let Some(function) = work.pop() {
        let set = sets[&function];
        for &dependent in dependents.get(&function).into_iter().flatten() {
            if let Some(mine) = sets.get_mut(&dependent)
                && mine.union(set) != *mine
            {
                *mine = mine.union(set);
                work.push(dependent);
            }
        }
    }
    sets
}
