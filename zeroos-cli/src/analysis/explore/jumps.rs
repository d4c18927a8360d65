//! Where jumps and calls go: to known places, by jump tables, or to places that are not understood.

use std::collections::BTreeSet;
use std::ops::Range;

use super::derived::{Derived, Link};
use super::{Explorer, Value};
use crate::analysis::code::Code;
use crate::analysis::exit::{BlockId, Exit};
use crate::analysis::state::{Convention, State, table_targets};
use crate::elf::ElfKind;
use crate::isa::{ControlFlow, Instruction, Op, Register};

/// How many labels of jumps that are not understood are looked at for each halfword of code: it bounds the work.
const JUMPS_LIMIT: u64 = 32;

/// A table, from where to where, and where jumps by it go.
type TableTargets = ((u64, u64), Vec<u64>);

/// Where instructions start when a function is decoded from the front.
pub(in crate::analysis) struct Front {
    /// Ascending.
    starts: Vec<u64>,
    /// What is no instruction any more, or lies behind the function.
    end: u64,
}

impl Front {
    /// That of the function in `extent`.
    fn of(code: &Code<'_>, extent: &Range<u64>) -> Front {
        let mut front = Front { starts: Vec::new(), end: extent.start };
        while let Some(instruction) = code.fetch(front.end).filter(|_| front.end < extent.end) {
            front.starts.push(front.end);
            front.end += u64::from(instruction.length);
        }
        front
    }

    /// Whether an instruction starts at `label`, as far as is known.
    fn may_be_label(&self, label: u64) -> bool {
        label >= self.end || self.starts.binary_search(&label).is_ok()
    }
}

impl<'v> Explorer<'_, 'v> {
    pub(super) fn jump(
        &mut self,
        block: BlockId,
        instruction: &Instruction,
        at: u64,
        derived: Derived,
        state: &mut State<'v>,
        exit: &mut Exit,
    ) {
        let link = instruction.rd();
        let target = match instruction.op {
            Op::Jal => Value::Constant(at.wrapping_add_signed(instruction.immediate.into())),
            _ => state.address(instruction, self.code.arena),
        };
        target.constants().into_iter().flatten().for_each(|&target| self.code.note_target(target));
        if target == Value::Any && instruction.rs1() != Register::RA {
            self.note_variable(block, at, instruction.rs1());
        }
        let next = at.wrapping_add(instruction.length.into());
        if link == Register::T0
            && let (Some(target), Convention::Standard) = (target.constant(), self.convention)
            && self.code.keeps_alternate_link(target)
        {
            // Out-of-line prologues return through t0: they are part of the function that they save registers for.
            state.step(instruction, at, self.code);
            if !self.exploration.is_inside(target) {
                self.exploration.jumps_mut().inlined.push((target, self.surroundings.limit_of(target)));
            }
            return self.go(target, state, exit);
        }
        if link != Register::ZERO {
            let mut comes_back = self.call(block, target, exit);
            if !matches!(link, Register::RA | Register::T0) {
                // Whether what returns through another register comes back is not followed. A PLT entry only has no
                // further use for its link (psABI, "Program Linkage Table"): what it jumps to returns to its caller.
                comes_back = true;
                if target.constants().is_none() {
                    exit.add_tail(None, true);
                    exit.set_returns();
                }
            }
            let changed = self.broken_by(target);
            state.after_call(self.convention, changed);
            state.set(link, Value::Any);
            if let Some(pad) = self.surroundings.landing_pad(at) {
                self.go(pad, state, exit);
            }
            if comes_back {
                self.go_on(next, state, exit);
            }
            return;
        }
        if let Some(targets) = target.constants() {
            for &target in targets {
                self.go(target, state, exit);
            }
            return;
        }
        if instruction.rs1() == Register::RA && target == Value::Any {
            match derived.link {
                // Like `longjmp`: out of this function, to wherever the loaded address says.
                Link::Foreign => exit.add_tail(None, true),
                Link::Own if instruction.immediate == 0 => exit.set_returns(),
                // From another register, which may hold what ra held, or a pointer.
                Link::Copied if instruction.immediate == 0 => {
                    exit.set_returns();
                    exit.add_tail(None, true);
                }
                Link::Own | Link::Copied | Link::Calculated => {
                    self.lose(at, "control returns to another place than its call")
                }
            }
            return;
        }
        let tables = match self.jump_table(target) {
            Some(table) => Some(vec![table]),
            None => self.jump_tables_by_path(block, at),
        };
        let is_table = matches!(target, Value::Displaced(_));
        let Some(tables) = tables else { return self.unbounded_jump(block, at, is_table, state, exit) };
        for (table, targets) in tables {
            self.exploration.jumps_mut().tables.insert(table);
            for target in targets {
                self.go(target, state, exit);
            }
        }
    }

    /// The jump at `at`, which ends `block`, goes to what is in `register`. If that is loaded from a variable, what lies there from the
    /// start is an address, whatever it looks like.
    fn note_variable(&mut self, block: BlockId, at: u64, register: Register) {
        let start = self.blocks[block].start;
        let mut loaded = None;
        for (here, instruction) in self.code.instructions_from(start).take_while(|&(here, _)| here < at) {
            if instruction.effects().defines.contains(register) {
                loaded = (instruction.op == Op::Ld).then_some((here, instruction));
            }
        }
        let Some((load, instruction)) = loaded else { return };
        let mut state = self.blocks.state(block);
        for (here, instruction) in self.code.instructions_from(start).take_while(|&(here, _)| here < load) {
            state.step(&instruction, here, self.code);
        }
        let variables = state.address(&instruction, self.code.arena);
        for &variable in variables.constants().unwrap_or_default() {
            if let Some(target) = self.code.initial_load(Op::Ld, variable)
                && self.code.contains(target)
                && self.function.code_references.insert(target)
            {
                self.found.labels.push(target);
            }
        }
    }

    /// The table that a jump goes by, and its targets.
    fn jump_table(&self, target: Value<'v>) -> Option<TableTargets> {
        let accepts = |target, bounded| {
            let inside = bounded || self.exploration.is_inside(target) || self.surroundings.is_start(target);
            inside && self.code.contains(target)
        };
        table_targets(target, |op, address| self.code.constant_load(op, address), accepts)
    }

    /// The same for the jump at `at`, which ends `block`, where the paths that meet before it come from several switches
    /// (GCC's `-fcrossjumping`): by each path for itself.
    fn jump_tables_by_path(&mut self, block: BlockId, at: u64) -> Option<Vec<TableTargets>> {
        /// More often a block is not run for this: its jump may lead to itself.
        const MOST_VISITS: u8 = 64;
        let is_run = self.blocks[block].visits() < MOST_VISITS && !self.has_tried_too_much();
        let tables = is_run.then(|| self.tables_of_paths(block, at)).flatten();
        // Further paths may lead here without changing what is known where they meet. One that gives no table never will.
        match tables {
            Some(_) => self.exploration.jumps_mut().shared.insert(block),
            None => self.exploration.jumps_mut().shared.remove(&block),
        };
        tables
    }

    fn tables_of_paths(&mut self, block: BlockId, at: u64) -> Option<Vec<TableTargets>> {
        let start = self.blocks[block].start;
        if start == self.function.entry || self.exploration.jumps().is_some_and(|jumps| jumps.labels.contains(&start)) {
            return None;
        }
        self.found.tried += self.function.blocks.len() as u64 / 8;
        let leads_here = |&&before: &&BlockId| self.blocks[before].exit.successors().any(|next| next == block);
        let before: Vec<BlockId> = self.function.blocks.iter().filter(leads_here).copied().collect();
        let mut tables = Vec::new();
        for &before in &before {
            if self.blocks[before].exit.call().is_some() {
                return None;
            }
            let mut last = None;
            let mut state = self.blocks.visit(before, self.code, |at, instruction, _| last = Some((at, *instruction)));
            if let Some((at, instruction)) = last
                && let ControlFlow::Branch(offset) = instruction.flow()
                && offset != i32::from(instruction.length)
            {
                state.refine(&instruction, at.wrapping_add_signed(offset.into()) == start, self.code.arena);
            }
            for (here, instruction) in self.code.instructions_from(start) {
                if here == at {
                    tables.push(self.jump_table(state.address(&instruction, self.code.arena))?);
                    break;
                }
                state.step(&instruction, here, self.code);
            }
        }
        (!tables.is_empty()).then_some(tables)
    }

    /// The call that ends `block`; whether it is known to come back.
    fn call(&mut self, block: BlockId, target: Value<'v>, exit: &mut Exit) -> bool {
        let targets = target.constants().unwrap_or_default();
        exit.add_call(None, targets.is_empty());
        if let Some(table) = self.surroundings.call_table(target, self.code) {
            // Functions whose addresses lie in a table of distances or of 32-bit words are nowhere else.
            if self.surroundings.call_tables.use_by(self.id, &table) {
                self.found.tables.push(table.clone());
            }
            exit.add_call_by(table);
        }
        if self.surroundings.call_tables.are_too_many(self.code.slots()) {
            self.lose(self.blocks[block].start, "calls go by too many elements of tables");
        }
        let mut comes_back = targets.is_empty();
        let first = self.found.waiting.len();
        for &target in targets {
            let Some(callee) = self.surroundings.entered_at(target, self.code) else {
                self.found.has_hidden_code |= self.code.is_hidden_code(target);
                continue;
            };
            self.surroundings.set_certain(callee);
            exit.add_call(Some(callee), false);
            comes_back |= self.surroundings.returns(callee);
            self.found.waiting.push((block, callee));
        }
        if comes_back {
            self.found.waiting.truncate(first);
        }
        comes_back
    }

    /// A jump to an unknown place. Without a frame of its own the function passes control on through a pointer; in any
    /// case it may go to a label of this function whose address is taken. With a live frame, or where addresses of its
    /// code are calculated with, or where it surely goes by a table, it is a jump table that was not understood: then it may
    /// go to any of its instructions.
    fn unbounded_jump(&mut self, block: BlockId, at: u64, is_table: bool, state: &State<'v>, exit: &mut Exit) {
        exit.add_tail(None, true);
        exit.set_returns();
        if self.has_tried_too_much() {
            return self.lose(at, "too many jumps may lead to too many labels");
        }
        let extent = self.exploration.extent.clone();
        // It may lead to any function whose address data holds, anyway. Seen from a label that counts as a function of its own,
        // more than its frame is gone.
        let stack = state.get(Register::SP);
        let is_function = |label| stack == Value::Stack(0) && self.address_taken.contains(&label);
        let mut count = 0;
        let all = self.surroundings.labels(extent.start, extent.end).inspect(|_| count += 1);
        let mut labels: BTreeSet<u64> = all.filter(|&label| !is_function(label)).collect();
        // That one is none is soon seen.
        self.found.tried += count / 8;
        if self.code.elf.kind == ElfKind::Executable && !labels.is_empty() {
            // A word that points into an instruction is a number; which do is known only once all other code was followed, and
            // where none leads to, from the front. Tables of characters (glibc's, of U+1D400 and so on) look like pointers to
            // all instructions of a function, and to all places between. Behind data among instructions the front tells nothing.
            if !self.exploration.is_followed {
                self.exploration.jumps_mut().waiting.push(block);
                return;
            }
            let front = self.front.get_or_init(|| {
                self.found.tried += extent.end.saturating_sub(extent.start) / 2;
                Front::of(self.code, &extent)
            });
            let (blocks, code, tried) = (&*self.blocks, self.code, &mut self.found.tried);
            labels.retain(|&label| {
                let Some(slot) = code.slot(label).filter(|_| front.may_be_label(label)) else { return false };
                let run = blocks.run_over(slot, label).map_or(label, |run| blocks[run].start);
                *tried += label.abs_diff(run) / 8;
                !blocks.is_split_by(slot, label, code)
            });
        }
        let elements = self.surroundings.call_tables.of(self.id).flat_map(|table| &table.targets);
        let elements = elements.filter(|target| extent.contains(target));
        labels.extend(self.function.code_references.range(extent.clone()).chain(elements));
        labels.remove(&self.function.entry);
        let has_frame = !matches!(stack, Value::Stack(offset) if offset >= 0);
        let is_lost = is_table || has_frame && labels.is_empty() || self.exploration.calculates_with_code;
        let jumps = self.exploration.jumps_mut();
        jumps.computed.insert(block);
        if is_lost || jumps.lost.contains(&at) {
            jumps.lost.insert(at);
            if self.exploration.is_widened {
                self.function.unbounded_jumps.insert(at);
                labels.extend(self.instructions_of_function());
            } else {
                self.exploration.is_too_short = true;
            }
        }
        self.found.tried += labels.len() as u64;
        self.exploration.jumps_mut().labels.extend(&labels);
        for label in labels {
            self.go(label, state, exit);
        }
    }

    /// Whether so much was looked at for jumps that are not understood that nothing that is found counts any more.
    fn has_tried_too_much(&self) -> bool {
        self.found.tried > JUMPS_LIMIT * self.code.slots() as u64
    }

    /// What is known where recovery from a panic goes on: the stack pointer is that of the function's calls (Go's `recovery` in
    /// `runtime/panic.go`), which is the same at all of them. `morestack` is called before there is a frame, and links in t0.
    pub(super) fn at_resumption(&self) -> State<'v> {
        let mut at_calls = BTreeSet::new();
        let mut known = State::unknown();
        for &block in self.function.blocks.iter().filter(|&&block| self.blocks[block].exit.call().is_some()) {
            let mut links = false;
            let state =
                self.blocks.visit(block, self.code, |_, instruction, _| links = instruction.rd() == Register::RA);
            if links {
                let stack = state.get(Register::SP);
                known.set(Register::SP, stack);
                at_calls.insert(if let Value::Stack(offset) = stack { Some(offset) } else { None });
            }
        }
        if at_calls.len() == 1 { known } else { State::unknown() }
    }

    /// Where instructions start when the function is decoded from front to back.
    fn instructions_of_function(&self) -> Vec<u64> {
        let mut starts = Vec::new();
        let mut at = self.exploration.extent.start;
        while at < self.exploration.extent.end {
            let Some(instruction) = self.code.fetch(at) else {
                at += 2;
                continue;
            };
            starts.push(at);
            at += u64::from(instruction.length);
        }
        starts
    }
}
