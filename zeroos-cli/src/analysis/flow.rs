//! Facts about how functions hang together: predecessors of blocks, callers of functions, registers that
//! calls change.

use std::collections::BTreeMap;

use super::blocks::Block;
use super::call_tables::CallTable;
use super::exit::{BlockId, Exit, FunctionId};
use super::program::Program;
use super::state::{Convention, preserved};
use crate::isa::{Register, RegisterSet};

/// Edges of the program, backwards.
pub(super) struct Flow {
    /// By block.
    predecessors: Lists<BlockId>,
    /// By function, those that call or jump to it by its address.
    callers: Lists<BlockId>,
    /// By table, those that call by it.
    callers_by: Lists<BlockId>,
    /// By function, the tables that have it.
    tables: Lists<usize>,
    /// By function.
    returns: Lists<BlockId>,
    clobbers: Vec<RegisterSet>,
    broken: Vec<RegisterSet>,
    broken_by_pointer: RegisterSet,
    /// The blocks that hold each `ecall`, by its address.
    pub sites: BTreeMap<u64, Vec<BlockId>>,
}

impl Flow {
    /// Collects the edges of `program`.
    pub fn new(program: &Program<'_>) -> Flow {
        let functions = program.functions.len();
        let blocks = &program.blocks;
        let volatile = caller_saved(program.convention);
        let mut clobbers = vec![RegisterSet::EMPTY; functions];
        // There are many blocks, so they are gone through twice only.
        let mut predecessors = Lists::new(blocks.len());
        let (mut callers, mut returns) = (Lists::new(functions), Lists::new(functions));
        let mut callers_by = Lists::new(program.call_tables().all().len());
        for from in blocks.ids() {
            let Block { exit, function, effects, .. } = &blocks[from];
            exit.successors().for_each(|to| predecessors.count(to.index()));
            exit.targets().for_each(|target| callers.count(target.index()));
            table_of(exit).into_iter().for_each(|table| callers_by.count(table.id));
            if exit.returns() {
                returns.count(function.index());
            }
            let calls_anything = exit.callees().any(|callee| callee.unknown || callee.is_nowhere());
            let own = if calls_anything { volatile } else { effects.writes.intersection(volatile) };
            clobbers[function.index()] = clobbers[function.index()].union(own);
        }
        predecessors.lay_out(BlockId::new(0));
        callers.lay_out(BlockId::new(0));
        callers_by.lay_out(BlockId::new(0));
        returns.lay_out(BlockId::new(0));
        for from in blocks.ids() {
            let Block { exit, function, .. } = &blocks[from];
            exit.successors().for_each(|to| predecessors.add(to.index(), from));
            exit.targets().for_each(|target| callers.add(target.index(), from));
            table_of(exit).into_iter().for_each(|table| callers_by.add(table.id, from));
            if exit.returns() {
                returns.add(function.index(), from);
            }
        }
        predecessors.settle();
        callers.settle();
        callers_by.settle();
        returns.settle();
        let mut flow = Flow {
            predecessors,
            callers,
            callers_by,
            tables: tables_by_function(program),
            returns,
            clobbers,
            broken: vec![RegisterSet::EMPTY; functions],
            broken_by_pointer: RegisterSet::EMPTY,
            sites: program.sites(),
        };
        flow.propagate_clobbers(program);
        if program.convention == Convention::Standard {
            flow.propagate_broken(program);
        }
        flow
    }

    /// Least fixed point over the call graph: own writes, which are there, plus those of callees, minus what the convention preserves.
    /// Who calls by a table has all of them.
    fn propagate_clobbers(&mut self, program: &Program<'_>) {
        let mut work: Vec<FunctionId> = program.function_ids().collect();
        while let Some(callee) = work.pop() {
            let set = self.clobbers[callee.index()];
            for &block in self.callers.of(callee.index()) {
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
        let mut by_table = vec![RegisterSet::EMPTY; program.call_tables().all().len()];
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
            for block in self.named_callers(callee).to_vec() {
                self.break_in(program.blocks[block].function, set, program, &mut work);
            }
            for table in self.tables.of(callee.index()).to_vec() {
                if by_table[table].union(set) != by_table[table] {
                    by_table[table] = by_table[table].union(set);
                    for block in self.callers_by.of(table).to_vec() {
                        self.break_in(program.blocks[block].function, set, program, &mut work);
                    }
                }
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
        self.predecessors.of(block.index())
    }

    /// The blocks that end in a call of, or a jump to, `function` by its address, or in a call by a table that has it.
    pub fn callers(&self, function: FunctionId) -> impl Iterator<Item = BlockId> {
        let by_table = self.tables(function).iter().flat_map(|&table| self.callers_by(table));
        self.named_callers(function).iter().chain(by_table).copied()
    }

    /// The blocks that end in a call of, or a jump to, `function` by its address.
    pub fn named_callers(&self, function: FunctionId) -> &[BlockId] {
        self.callers.of(function.index())
    }

    /// The blocks that end in a call by the table at this place of all.
    pub fn callers_by(&self, table: usize) -> &[BlockId] {
        self.callers_by.of(table)
    }

    /// The tables that have `function`, each by its place of all.
    pub fn tables(&self, function: FunctionId) -> &[usize] {
        self.tables.of(function.index())
    }

    /// The blocks of `function` that end in a return.
    pub fn returns(&self, function: FunctionId) -> &[BlockId] {
        self.returns.of(function.index())
    }

    /// The registers that a call of `function` may change and not restore.
    pub fn clobbers(&self, function: FunctionId) -> RegisterSet {
        self.clobbers[function.index()]
    }
}

/// sp, which every function is trusted to hand back, and gp and tp, which are looked at elsewhere.
pub(super) const FIXED: RegisterSet = RegisterSet::EMPTY.with(Register::SP).with(Register::GP).with(Register::TP);

/// Lists, one behind the other. What is to be in them is counted first, then added.
struct Lists<T> {
    /// Where each list starts, and at last where the last one ends. While elements are counted, how many the list before has;
    /// while they are added, where the next one goes.
    first: Vec<u32>,
    all: Vec<T>,
}

impl<T: Copy> Lists<T> {
    /// As many as `count`.
    fn new(count: usize) -> Lists<T> {
        Lists { first: vec![0; count + 1], all: Vec::new() }
    }

    /// One more will be in the list.
    fn count(&mut self, list: usize) {
        self.first[list + 1] += 1;
    }

    /// All were counted. Until they are added, `any` is in their places.
    fn lay_out(&mut self, any: T) {
        let mut end = 0;
        for first in &mut self.first {
            end += *first;
            *first = end;
        }
        self.all = vec![any; end as usize];
    }

    /// Puts `element` behind what is in the list.
    fn add(&mut self, list: usize, element: T) {
        let place = &mut self.first[list];
        self.all[*place as usize] = element;
        *place += 1;
    }

    /// All were added: each start was moved on to the end of its list, which is where the next one starts.
    fn settle(&mut self) {
        self.first.rotate_right(1);
        self.first[0] = 0;
    }

    fn of(&self, list: usize) -> &[T] {
        &self.all[self.first[list] as usize..self.first[list + 1] as usize]
    }
}

/// The table of functions that `exit` calls by.
fn table_of(exit: &Exit) -> Option<&CallTable> {
    exit.call().and_then(|callee| callee.table)
}

fn tables_by_function(program: &Program<'_>) -> Lists<usize> {
    let tables = program.call_tables().all();
    let functions =
        || tables.iter().flat_map(|table| table.functions.iter().map(|function| (function.index(), table.id)));
    let mut lists = Lists::new(program.functions.len());
    functions().for_each(|(function, _)| lists.count(function));
    lists.lay_out(0);
    functions().for_each(|(function, table)| lists.add(function, table));
    lists.settle();
    lists
}

/// x1–x31.
pub(super) fn all_registers() -> RegisterSet {
    (1..32).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// What a callee need not preserve.
pub(super) fn caller_saved(convention: Convention) -> RegisterSet {
    all_registers().minus(preserved(convention))
}
