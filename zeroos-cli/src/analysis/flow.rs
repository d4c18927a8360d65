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
    broken: Vec<RegisterSet>,
    broken_by_pointer: RegisterSet,
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
            broken: vec![RegisterSet::EMPTY; functions],
            broken_by_pointer: RegisterSet::EMPTY,
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
                if exit.returns() {
                    flow.returns[id.index()].push(block);
                }
            }
        }
        flow.propagate_clobbers(program);
        if program.convention == Convention::Standard {
            flow.propagate_broken(program);
        }
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

    /// Least fixed point over the call graph: the registers that a function writes although it should keep them, and
    /// stores nowhere in its frame, and what its callees break, unless it restores that itself.
    fn propagate_broken(&mut self, program: &Program<'_>) {
        let kept = preserved(Convention::Standard).minus(FIXED);
        for block in program.blocks.ids() {
            let function = program.blocks[block].function;
            let own = program.blocks[block].effects.writes.intersection(kept).minus(program[function].saved);
            let broken = &mut self.broken[function.index()];
            *broken = broken.union(own);
        }
        // What does not return breaks nothing for its caller. What only looks like a function because its address lies
        // somewhere is mostly a label, whose function saves the registers.
        for id in program.function_ids() {
            if !program.comes_back(id) || program.start_before(program[id].entry) != program[id].entry {
                self.broken[id.index()] = RegisterSet::EMPTY;
            }
        }
        let mut work: Vec<FunctionId> =
            program.function_ids().filter(|id| !self.broken[id.index()].is_empty()).collect();
        while let Some(callee) = work.pop() {
            let set = self.broken[callee.index()];
            let by_pointer = self.broken_by_pointer;
            if program.address_taken.contains(&program[callee].entry) && by_pointer.union(set) != by_pointer {
                self.broken_by_pointer = by_pointer.union(set);
                for id in program.function_ids() {
                    let mut exits = program[id].blocks.iter().map(|&block| &program.blocks[block].exit);
                    if exits.any(|exit| exit.callees().any(|callee| callee.unknown)) {
                        self.break_in(id, set, program, &mut work);
                    }
                }
            }
            for &block in &self.callers[callee.index()].clone() {
                self.break_in(program.blocks[block].function, set, program, &mut work);
            }
        }
    }

    /// A callee of `function` breaks `registers`.
    fn break_in(
        &mut self,
        function: FunctionId,
        registers: RegisterSet,
        program: &Program<'_>,
        work: &mut Vec<FunctionId>,
    ) {
        let registers = registers.minus(program[function].saved);
        let mine = &mut self.broken[function.index()];
        if mine.union(registers) != *mine && program.comes_back(function) {
            *mine = mine.union(registers);
            work.push(function);
        }
    }

    /// The registers that a call of `function` changes although the psABI says that it keeps them.
    pub fn broken(&self, function: FunctionId) -> RegisterSet {
        self.broken[function.index()]
    }

    /// The same for a call through an unknown pointer.
    pub fn broken_by_pointer(&self) -> RegisterSet {
        self.broken_by_pointer
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

/// sp, which every function is trusted to hand back, and gp and tp, which are looked at elsewhere.
const FIXED: RegisterSet = RegisterSet::EMPTY.with(Register::SP).with(Register::GP).with(Register::TP);

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
