//! Which registers may still be read: a backward pass over all functions at once, so that a register that a caller
//! keeps in a place which its callee happens not to touch stays live through the callee. Functions that have no bearing on
//! any `ecall` are left out.

use super::blocks::BlockEffects;
use super::call_tables::Seen;
use super::exit::{BlockId, Callee, Exit, FunctionId};
use super::flow::{FIXED, Flow, all_registers, caller_saved};
use super::go::liveness::{GoLiveness, returned};
use super::program::Program;
use super::state::Convention;
use crate::isa::{Register, RegisterSet};

/// Live registers at block starts, function entries and returns.
pub(super) struct Liveness<'p, 'a> {
    program: &'p Program<'a>,
    flow: &'p Flow,
    /// Live at the start of each block; everything where nobody needs to know better.
    at_start: Vec<RegisterSet>,
    /// Live when the function returns.
    at_return: Vec<RegisterSet>,
    /// Go functions whose registers no `ecall` depends on.
    others: Option<GoLiveness<'p, 'a>>,
    /// The functions that were solved, ascending.
    needed: Vec<FunctionId>,
    /// Of each function, the block it starts with.
    first_blocks: Vec<Option<BlockId>>,
    /// Calls and jumps through pointers.
    by_pointer: ByPointer,
    /// By table that calls go by.
    tables: Vec<ByTable>,
    /// Whether a function that stores all registers, as unwinders do, is taken not to care for temporaries, which by the
    /// convention hold nothing when it is called.
    knows_context_savers: bool,
    sets: ConventionSets,
}

/// What the calling convention says of registers.
struct ConventionSets {
    /// What a callee may change.
    volatile: RegisterSet,
    /// What callees save without looking at it.
    saved: RegisterSet,
    /// What a callee may read of which nothing is known.
    parameters: RegisterSet,
    /// What a caller may read after a return.
    returned: RegisterSet,
}

/// What is known of calls and jumps through pointers, which lead to functions whose addresses are taken.
struct ByPointer {
    /// Those functions, by id; empty where others may be meant.
    callees: Vec<bool>,
    /// Blocks that end in such calls and jumps.
    callers: Vec<BlockId>,
    /// What they may read.
    read: RegisterSet,
}

/// What is known of the functions of a table together.
#[derive(Clone, Copy, Default)]
struct ByTable {
    /// What they may read.
    read: RegisterSet,
    /// What is live at their returns because of calls by the table.
    at_return: RegisterSet,
}

impl ByPointer {
    fn new(program: &Program<'_>, needed: &[FunctionId], sets: &ConventionSets) -> ByPointer {
        let callees = called_by_pointer(program);
        if callees.is_empty() {
            return ByPointer { callees: Vec::new(), callers: Vec::new(), read: sets.parameters };
        }
        let mut is_callee = vec![false; program.functions.len()];
        callees.iter().for_each(|callee| is_callee[callee.index()] = true);
        let blocks = needed.iter().flat_map(|&function| &program[function].blocks).copied();
        let callers =
            blocks.filter(|&block| program.blocks[block].exit.callees().any(|callee| callee.unknown)).collect();
        ByPointer { callees: is_callee, callers, read: sets.saved.union(FIXED) }
    }
}

/// Blocks to look at again, each at most once.
struct Worklist {
    stack: Vec<BlockId>,
    queued: Vec<bool>,
}

impl Worklist {
    fn push(&mut self, block: BlockId) {
        if !std::mem::replace(&mut self.queued[block.index()], true) {
            self.stack.push(block);
        }
    }

    fn pop(&mut self) -> Option<BlockId> {
        let block = self.stack.pop()?;
        self.queued[block.index()] = false;
        Some(block)
    }
}

impl<'p, 'a> Liveness<'p, 'a> {
    /// Solves it as far as registers at some `ecall` depend on it.
    pub fn new(program: &'p Program<'a>, flow: &'p Flow) -> Liveness<'p, 'a> {
        let with_sites = flow.sites.values().flatten().map(|&block| program.blocks[block].function).collect();
        Liveness::at(program, flow, with_sites, false)
    }

    /// Solves it as far as registers in `functions` depend on it.
    pub fn at(
        program: &'p Program<'a>,
        flow: &'p Flow,
        functions: Vec<FunctionId>,
        knows_context_savers: bool,
    ) -> Liveness<'p, 'a> {
        let sets = ConventionSets::new(program.convention);
        let blocks = program.blocks.len();
        let needed = needed(program, flow, &sets, functions);
        let mut liveness = Liveness {
            program,
            flow,
            at_start: vec![all_registers(); blocks],
            at_return: vec![sets.returned; program.functions.len()],
            others: (program.convention == Convention::Go).then(|| GoLiveness::new(program, flow)),
            by_pointer: ByPointer::new(program, &needed, &sets),
            tables: vec![ByTable::default(); program.call_tables().all().len()],
            needed,
            first_blocks: program.function_ids().map(|function| program.first_block(function)).collect(),
            knows_context_savers: knows_context_savers && program.convention == Convention::Standard,
            sets,
        };
        // Backwards in each function, so that most blocks need to be looked at only once.
        let mut work = Worklist { stack: Vec::new(), queued: vec![false; blocks] };
        for &block in liveness.needed.iter().flat_map(|&function| &program[function].blocks) {
            program.blocks.want(block);
            liveness.at_start[block.index()] = RegisterSet::EMPTY;
            work.queued[block.index()] = true;
        }
        for table in program.call_tables().all() {
            let read = table.functions.iter().map(|&function| liveness.at_entry(function));
            liveness.tables[table.id].read = read.fold(RegisterSet::EMPTY, RegisterSet::union);
        }
        for index in (0..liveness.needed.len()).rev() {
            for &block in program[liveness.needed[index]].blocks.iter().rev() {
                if std::mem::take(&mut work.queued[block.index()]) {
                    liveness.solve(block, &mut work);
                }
                while let Some(block) = work.pop() {
                    liveness.solve(block, &mut work);
                }
            }
        }
        liveness
    }

    /// Looks at `block` again, and queues what depends on it if more is live at its start than was known.
    fn solve(&mut self, block: BlockId, work: &mut Worklist) {
        let (program, flow) = (self.program, self.flow);
        self.pass_to_callees(block, work);
        let BlockEffects { reads, writes } = program.blocks[block].effects;
        let live_in = self.at_end(block).minus(writes).union(reads);
        if self.at_start[block.index()] == live_in {
            return;
        }
        self.at_start[block.index()] = live_in;
        for &before in flow.predecessors(block) {
            work.push(before);
        }
        let function = program.blocks[block].function;
        if self.first_blocks[function.index()] == Some(block) {
            if self.by_pointer.callees.get(function.index()) == Some(&true) {
                let read = self.by_pointer.read.union(self.at_entry(function).intersection(self.sets.parameters));
                if std::mem::replace(&mut self.by_pointer.read, read) != read {
                    self.by_pointer.callers.iter().for_each(|&caller| work.push(caller));
                }
            }
            let is_needed = |block: BlockId| self.needed.binary_search(&program.blocks[block].function).is_ok();
            flow.named_callers(function)
                .iter()
                .filter(|&&caller| is_needed(caller))
                .for_each(|&caller| work.push(caller));
            let read = self.at_entry(function);
            for &table in flow.tables(function) {
                let known = self.tables[table].read;
                if known.union(read) != known {
                    self.tables[table].read = known.union(read);
                    let callers = flow.callers_by(table).iter().filter(|&&caller| is_needed(caller));
                    callers.for_each(|&caller| work.push(caller));
                }
            }
        }
    }

    /// Live behind the `ecall` at `at` in `block`, as far as set before it.
    pub fn after_site(&self, block: BlockId, at: u64) -> RegisterSet {
        self.after(block, at).without(Register::A0)
    }

    /// Live behind the instruction at `at` in `block`.
    pub fn after(&self, block: BlockId, at: u64) -> RegisterSet {
        let mut effects = BlockEffects::default();
        let behind = self.program.blocks.instructions(block, &self.program.code).skip_while(|&(place, _)| place <= at);
        behind.for_each(|(_, instruction)| effects.add(instruction.effects()));
        self.at_end(block).minus(effects.writes).union(effects.reads)
    }

    /// Live where some block follows `block`.
    fn behind(&self, block: BlockId) -> RegisterSet {
        let successors = self.program.blocks[block].exit.successors();
        successors.fold(RegisterSet::EMPTY, |live, next| live.union(self.at_start[next.index()]))
    }

    /// Live behind the last instruction of `block`, seen from inside it: what a call reads is included.
    fn at_end(&self, block: BlockId) -> RegisterSet {
        let mut live = self.behind(block);
        let found = &self.program.blocks[block];
        if let Some(callee) = found.exit.call() {
            // That a callee saves and restores a register is no use of its value.
            let read = self.read_by(callee).minus(self.sets.saved);
            live = live.minus(self.surely_overwritten(callee)).union(read);
        }
        if let Some(callee) = found.exit.tail() {
            live = live.union(self.read_by(callee));
        }
        if found.exit.returns() || found.exit.tail().is_some() {
            live = live.union(self.at_return[found.function.index()]);
        }
        live
    }

    /// What lives behind a call lives on in the callee as far as the callee leaves it alone.
    fn pass_to_callees(&mut self, block: BlockId, work: &mut Worklist) {
        let program = self.program;
        let found = &program.blocks[block];
        if let Some(callee) = found.exit.call() {
            self.pass(callee, self.behind(block), work);
        }
        if let Some(callee) = found.exit.tail() {
            self.pass(callee, self.at_return[found.function.index()], work);
        }
    }

    fn pass(&mut self, callee: Callee<'_>, live: RegisterSet, work: &mut Worklist) {
        let mut by_table: &[FunctionId] = &[];
        if let Some(table) = callee.table {
            let at_return = &mut self.tables[table.id].at_return;
            if at_return.union(live) != *at_return {
                *at_return = at_return.union(live);
                by_table = &table.functions;
            }
        }
        for target in callee.named().chain(by_table.iter().copied()) {
            let at_return = &mut self.at_return[target.index()];
            if at_return.union(live) != *at_return {
                *at_return = at_return.union(live);
                for &block in &self.program[target].blocks {
                    let exit = &self.program.blocks[block].exit;
                    if exit.returns() || exit.tail().is_some() {
                        work.push(block);
                    }
                }
            }
        }
    }

    /// What `function` reads of what its caller leaves in registers.
    pub fn at_entry(&self, function: FunctionId) -> RegisterSet {
        let Some(block) = self.first_blocks[function.index()] else { return self.sets.parameters };
        let live = self.at_start(block);
        let saves_all = || self.program.blocks[block].effects.reads == all_registers();
        if self.knows_context_savers && saves_all() { live.minus(temporaries()) } else { live }
    }

    /// Live at the start of `block`.
    pub fn at_start(&self, block: BlockId) -> RegisterSet {
        match &self.others {
            Some(others) if self.needed.binary_search(&self.program.blocks[block].function).is_err() => {
                others.at_start(block)
            }
            _ => self.at_start[block.index()],
        }
    }

    /// The registers with which `exit` may hand a pointer to code that is not looked at together with it.
    pub fn handed_on(&self, exit: &Exit) -> RegisterSet {
        let arguments = |last| (10..=last).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with);
        let handed_on = match (&self.others, exit.callees().next(), exit.returns()) {
            (Some(others), Some(_), _) => {
                exit.callees().map(|callee| others.read_by(callee)).fold(RegisterSet::EMPTY, RegisterSet::union)
            }
            (Some(_), None, true) => returned(),
            // Static chains and LLVM's fast calls use temporaries, too.
            (None, Some(_), _) => {
                let read =
                    exit.callees().map(|callee| self.read_by(callee)).fold(RegisterSet::EMPTY, RegisterSet::union);
                let chains =
                    [7, 28, 29, 30, 31].into_iter().map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with);
                arguments(17).union(read.intersection(chains))
            }
            (None, None, true) => arguments(11),
            (_, None, false) => RegisterSet::EMPTY,
        };
        handed_on.without(Register::SP)
    }

    /// Registers whose old value no code behind the call can rely on.
    fn surely_overwritten(&self, callee: Callee<'_>) -> RegisterSet {
        match callee.unknown {
            true => self.sets.volatile,
            false => {
                let known = callee.named().map(|target| self.flow.clobbers(target));
                known.fold(self.sets.volatile, RegisterSet::intersection)
            }
        }
    }

    fn read_by(&self, callee: Callee<'_>) -> RegisterSet {
        let known = callee.named().map(|function| self.at_entry(function));
        let by_table = callee.table.map_or(RegisterSet::EMPTY, |table| self.tables[table.id].read);
        let unknown = match callee {
            _ if callee.unknown => self.by_pointer.read.union(by_table),
            _ if callee.is_nowhere() => self.sets.parameters,
            _ => RegisterSet::EMPTY,
        };
        known.fold(unknown, RegisterSet::union)
    }
}

/// The functions that a call through a pointer can lead to; none where that is not known, or registers are used otherwise than
/// the psABI has it.
fn called_by_pointer(program: &Program<'_>) -> Vec<FunctionId> {
    if program.convention != Convention::Standard || program.lost.is_some() || hands_out_labels(program) {
        return Vec::new();
    }
    program.address_taken.iter().filter_map(|&entry| program.function_at(entry)).collect()
}

/// Whether some function has the address of one of its own places in a register that no function starts at: of a label, to which
/// another function may jump.
fn hands_out_labels(program: &Program<'_>) -> bool {
    let is_taken = |address: u64| program.address_taken.contains(&address);
    let tables = program.call_tables().all().iter();
    let labels: Vec<Vec<u64>> =
        tables.map(|table| table.targets.iter().copied().filter(|&target| !is_taken(target)).collect()).collect();
    program.function_ids().any(|id| {
        let by_table = program.call_tables().of(id).flat_map(|table| &labels[table.id]);
        let mut references = program[id].code_references.iter().chain(by_table);
        references.any(|&address| {
            let is_in_function = || program.code.slot(address).and_then(|slot| program.blocks.find(slot, id)).is_some();
            !is_taken(address) && is_in_function()
        })
    })
}

/// The functions `found` and those whose registers theirs depend on: callees, for what they read, and callers, for what
/// they read after the return, unless any register may be read then anyway.
fn needed(program: &Program<'_>, flow: &Flow, sets: &ConventionSets, mut found: Vec<FunctionId>) -> Vec<FunctionId> {
    let mut needed = Vec::new();
    let mut seen = vec![false; program.functions.len()];
    let (mut seen_tables, mut came_from) = (Seen::default(), vec![false; program.call_tables().all().len()]);
    let mut by_pointer = called_by_pointer(program);
    while let Some(function) = found.pop() {
        if std::mem::replace(&mut seen[function.index()], true) {
            continue;
        }
        needed.push(function);
        let exits = || program[function].blocks.iter().map(|&block| &program.blocks[block].exit);
        found.extend(exits().flat_map(|exit| exit.targets()));
        exits().for_each(|exit| found.extend(seen_tables.once_by(exit)));
        if !by_pointer.is_empty() && exits().any(|exit| exit.callees().any(|callee| callee.unknown)) {
            found.append(&mut by_pointer);
        }
        if sets.returned != all_registers() {
            let by_table =
                flow.tables(function).iter().filter(|&&table| !std::mem::replace(&mut came_from[table], true));
            let by_table = by_table.flat_map(|&table| flow.callers_by(table));
            let callers = flow.named_callers(function).iter().chain(by_table);
            found.extend(callers.map(|&block| program.blocks[block].function));
        }
    }
    needed.sort_unstable();
    needed
}

/// t0–t6: what neither arguments nor results nor callers' values are in (psABI, "Integer Register Convention").
fn temporaries() -> RegisterSet {
    (5..8).chain(28..32).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
}

impl ConventionSets {
    fn new(convention: Convention) -> ConventionSets {
        let saved = || [8, 9].into_iter().chain(18..=27);
        let set = |numbers: &mut dyn Iterator<Item = u8>| {
            numbers.map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with)
        };
        match convention {
            // Arguments, sp, gp, tp and the alternate link register (psABI, "Integer Register Convention"); as a jump's
            // target a function also reads what it must hand back to its caller.
            Convention::Standard => ConventionSets {
                volatile: caller_saved(convention),
                saved: set(&mut saved()),
                parameters: set(&mut (10..=17).chain(2..=7).chain(saved())),
                returned: set(&mut [10, 11, 2, 3, 4].into_iter().chain(saved())),
            },
            Convention::Go => ConventionSets {
                volatile: caller_saved(convention),
                saved: RegisterSet::EMPTY,
                parameters: all_registers(),
                returned: all_registers(),
            },
        }
    }
}
