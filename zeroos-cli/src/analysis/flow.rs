//! Facts about how functions hang together: predecessors of blocks, callers of functions, registers that
//! calls change.

use std::collections::BTreeMap;

use super::exit::{BlockId, FunctionId};
use super::program::Program;
use super::state::{Convention, preserved};
use crate::isa::{Register, RegisterSet};

/// Edges of the program, backwards.
pub(super) struct Flow {
    /// Predecessors of block `b`: `predecessors[first[b]..first[b + 1]]`.
    predecessors: Vec<BlockId>,
    first: Vec<u32>,
    callers: Vec<Vec<BlockId>>,
    returns: Vec<Vec<BlockId>>,
    clobbers: Vec<RegisterSet>,
    /// The blocks that hold each `ecall`, by its address.
    pub sites: BTreeMap<u64, Vec<BlockId>>,
}

impl Flow {
    /// Collects the edges of `program`.
    pub fn new(program: &Program<'_>) -> Flow {
        let (first, predecessors) = predecessors(program);
        let functions = program.functions.len();
        let mut flow = Flow {
            predecessors,
            first,
            callers: vec![Vec::new(); functions],
            returns: vec![Vec::new(); functions],
            clobbers: vec![RegisterSet::EMPTY; functions],
            sites: program.sites(),
        };
        for id in program.function_ids() {
            for &block in &program[id].blocks {
                let exit = &program.blocks[block].exit;
                for callee in exit.callees() {
                    for target in callee.known() {
                        flow.callers[target.index()].push(block);
                    }
                }
                if exit.returns {
                    flow.returns[id.index()].push(block);
                }
            }
        }
        flow.propagate_clobbers(program);
        flow
    }

    /// Least fixed point over the call graph: own writes plus those of callees, minus what the convention preserves.
    fn propagate_clobbers(&mut self, program: &Program<'_>) {
        let volatile = caller_saved(program.convention);
        for block in program.blocks.ids() {
            let exit = &program.blocks[block].exit;
            let mut own = program.blocks[block].effects.writes;
            if exit.callees().any(|callee| callee.unknown || callee.is_nowhere()) {
                own = own.union(volatile);
            }
            let function = &mut self.clobbers[program.blocks[block].function.index()];
            *function = function.union(own.intersection(volatile));
        }
        let mut work: Vec<FunctionId> = program.function_ids().collect();
        while let Some(callee) = work.pop() {
            let set = self.clobbers[callee.index()];
            for &block in &self.callers[callee.index()] {
                let caller = program.blocks[block].function;
                let mine = &mut self.clobbers[caller.index()];
                if mine.union(set) != *mine {
                    *mine = mine.union(set);
                    work.push(caller);
                }
            }
        }
    }

    /// The blocks of the same function that can come right before `block`.
    pub fn predecessors(&self, block: BlockId) -> &[BlockId] {
        let index = block.index();
        &self.predecessors[self.first[index] as usize..self.first[index + 1] as usize]
    }

    /// The blocks that end in a call of, or a jump to, `function` by its address.
    pub fn callers(&self, function: FunctionId) -> &[BlockId] {
        &self.callers[function.index()]
    }

    /// The blocks of `function` that end in a return.
    pub fn returns(&self, function: FunctionId) -> &[BlockId] {
        &self.returns[function.index()]
    }

    /// The registers that a call of `function` may change and not restore.
    pub fn clobbers(&self, function: FunctionId) -> RegisterSet {
        self.clobbers[function.index()]
    }
}

/// Where each block's predecessors start in the list, and the list.
fn predecessors(program: &Program<'_>) -> (Vec<u32>, Vec<BlockId>) {
    let blocks = &program.blocks;
    let mut first = vec![0; blocks.len() + 1];
    let edges = || blocks.ids().flat_map(|from| blocks[from].exit.successors().map(move |to| (from, to)));
    for (_, to) in edges() {
        first[to.index() + 1] += 1;
    }
    for index in 1..first.len() {
        first[index] += first[index - 1];
    }
    let mut next = first.clone();
    let mut list = vec![BlockId::new(0); first.last().map_or(0, |&count| count as usize)];
    for (from, to) in edges() {
        let place = &mut next[to.index()];
        list[*place as usize] = from;
        *place += 1;
    }
    (first, list)
}

/// x1–x31.
pub(super) fn all_registers() -> RegisterSet {
    (1..32).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// What a callee need not preserve.
pub(super) fn caller_saved(convention: Convention) -> RegisterSet {
    all_registers().minus(preserved(convention))
}
