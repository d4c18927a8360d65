//! Facts about how functions hang together: predecessors of blocks, callers of functions, what blocks read and write,
//! registers that calls change. One pass over all instructions collects them.

use std::collections::BTreeMap;

use super::blocks::{BlockId, FunctionId};
use super::program::Program;
use super::result::ProgramFeatures;
use super::state::{Convention, preserved};
use crate::address::Address;
use crate::isa::{Instruction, Op, Register, RegisterSet};

/// Edges of the program, backwards, and a summary of each block.
pub(super) struct Flow {
    /// Predecessors of block `b`: `predecessors[first[b]..first[b + 1]]`.
    predecessors: Vec<BlockId>,
    first: Vec<u32>,
    callers: Vec<Vec<BlockId>>,
    returns: Vec<Vec<BlockId>>,
    clobbers: Vec<RegisterSet>,
    effects: Vec<BlockEffects>,
    /// The blocks that hold each `ecall`, by its address.
    pub sites: BTreeMap<u64, Vec<BlockId>>,
    /// What the code needs of the hart.
    pub features: ProgramFeatures,
}

/// What a run of instructions does with registers.
#[derive(Clone, Copy, Default)]
pub(super) struct BlockEffects {
    /// Read before written.
    pub reads: RegisterSet,
    /// Written.
    pub writes: RegisterSet,
}

impl BlockEffects {
    /// Appends an instruction.
    pub fn add(&mut self, instruction: &Instruction) {
        let mut effects = instruction.effects();
        if instruction.op == Op::Ecall {
            // The kernel reads the number and up to six arguments; a0 comes back changed.
            effects.uses = system_call_arguments();
            effects.defines = RegisterSet::of(&[Register::A0]);
        }
        self.reads = self.reads.union(effects.uses.minus(self.writes));
        self.writes = self.writes.union(effects.defines);
    }
}

fn system_call_arguments() -> RegisterSet {
    (10..=15).chain([17]).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
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
            effects: vec![BlockEffects::default(); program.blocks.len()],
            sites: BTreeMap::new(),
            features: ProgramFeatures::default(),
        };
        for id in program.function_ids() {
            for &block in &program[id].blocks {
                let exit = &program.blocks[block].exit;
                for callee in exit.callees() {
                    for &target in &callee.known {
                        flow.callers[target.0 as usize].push(block);
                    }
                }
                if exit.returns {
                    flow.returns[id.0 as usize].push(block);
                }
                flow.survey(program, block);
            }
        }
        flow.propagate_clobbers(program);
        flow
    }

    /// Looks at each instruction of `block`.
    fn survey(&mut self, program: &Program<'_>, block: BlockId) {
        let mut effects = BlockEffects::default();
        for (at, instruction) in program.blocks.instructions(block, &program.code) {
            effects.add(&instruction);
            if instruction.op == Op::Ecall {
                self.sites.entry(at).or_default().push(block);
            }
            self.features.note(&instruction, at);
        }
        self.effects[block.0 as usize] = effects;
    }

    /// Least fixed point over the call graph: own writes plus those of callees, minus what the convention preserves.
    fn propagate_clobbers(&mut self, program: &Program<'_>) {
        let volatile = caller_saved(program.convention);
        for block in program.blocks.ids() {
            let exit = &program.blocks[block].exit;
            let mut own = self.effects(block).writes;
            if exit.callees().any(|callee| callee.unknown || callee.known.is_empty()) {
                own = own.union(volatile);
            }
            let function = &mut self.clobbers[program.blocks[block].function.0 as usize];
            *function = function.union(own.intersection(volatile));
        }
        let mut work: Vec<FunctionId> = program.function_ids().collect();
        while let Some(callee) = work.pop() {
            let set = self.clobbers[callee.0 as usize];
            for &block in &self.callers[callee.0 as usize] {
                let caller = program.blocks[block].function;
                let mine = &mut self.clobbers[caller.0 as usize];
                if mine.union(set) != *mine {
                    *mine = mine.union(set);
                    work.push(caller);
                }
            }
        }
    }

    /// The blocks of the same function that can come right before `block`.
    pub fn predecessors(&self, block: BlockId) -> &[BlockId] {
        let index = block.0 as usize;
        &self.predecessors[self.first[index] as usize..self.first[index + 1] as usize]
    }

    /// The blocks that end in a call of, or a jump to, `function` by its address.
    pub fn callers(&self, function: FunctionId) -> &[BlockId] {
        &self.callers[function.0 as usize]
    }

    /// The blocks of `function` that end in a return.
    pub fn returns(&self, function: FunctionId) -> &[BlockId] {
        &self.returns[function.0 as usize]
    }

    /// The registers that a call of `function` may change and not restore.
    pub fn clobbers(&self, function: FunctionId) -> RegisterSet {
        self.clobbers[function.0 as usize]
    }

    /// What `block` reads and writes.
    pub fn effects(&self, block: BlockId) -> BlockEffects {
        self.effects[block.0 as usize]
    }
}

/// Where each block's predecessors start in the list, and the list.
fn predecessors(program: &Program<'_>) -> (Vec<u32>, Vec<BlockId>) {
    let blocks = &program.blocks;
    let mut first = vec![0; blocks.len() + 1];
    let edges = || blocks.ids().flat_map(|from| blocks[from].exit.successors.iter().map(move |&to| (from, to)));
    for (_, to) in edges() {
        first[to.0 as usize + 1] += 1;
    }
    for index in 1..first.len() {
        first[index] += first[index - 1];
    }
    let mut next = first.clone();
    let mut list = vec![BlockId(0); first.last().map_or(0, |&count| count as usize)];
    for (from, to) in edges() {
        let place = &mut next[to.0 as usize];
        list[*place as usize] = from;
        *place += 1;
    }
    (first, list)
}

impl ProgramFeatures {
    /// Takes note of what `instruction` at `at` needs.
    fn note(&mut self, instruction: &Instruction, at: u64) {
        let first = |known: &mut Option<Address>| {
            *known = Some(known.map_or(Address(at), |known| known.min(Address(at))));
        };
        if instruction.length == 2 {
            first(&mut self.compressed);
        }
        let op = instruction.op;
        if op < Op::Csrrw || (Op::Mret..Op::LrW).contains(&op) {
            return;
        }
        if (Op::LrW..=Op::AmomaxuD).contains(&op) {
            first(&mut self.atomics);
        }
        let is_csr = (Op::Csrrw..=Op::Csrrci).contains(&op);
        if (Op::Flw..=Op::FmvDX).contains(&op) || is_csr && instruction.csr() <= 3 {
            first(&mut self.float);
        }
        if (Op::Fld..=Op::FmvDX).contains(&op) {
            first(&mut self.double);
        }
    }
}

/// x1–x31.
pub(super) fn all_registers() -> RegisterSet {
    (1..32).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// What a callee need not preserve.
pub(super) fn caller_saved(convention: Convention) -> RegisterSet {
    all_registers().minus(preserved(convention))
}
