//! One function: its basic blocks and what is known at the start of each, found together. Blocks are discovered by
//! running the code on abstract values, so that a call that never returns, an `exit_group` or a jump table decide
//! which code exists.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{Code, store_size};
use super::state::{Convention, Snapshot, State, table_targets};
use super::value::Value;
use crate::isa::{ControlFlow, Instruction, Op, Register};

/// After this many visits a block's values that still change are given up: it ends loops that count.
const VISITS_BEFORE_WIDENING: u8 = 6;

/// A function's code and what it refers to.
#[derive(Debug)]
pub(super) struct Function {
    /// Its first instruction.
    pub entry: u64,
    /// The first address that no jump inside the function reaches: where the next function plausibly starts.
    pub limit: u64,
    /// Its blocks by start address.
    pub blocks: BTreeMap<u64, Block>,
    /// Whether control can come back to its caller.
    pub returns: bool,
    /// Addresses of its `ecall`s.
    pub sites: BTreeSet<u64>,
    /// Code addresses that it computes or loads from constant memory.
    pub code_references: BTreeSet<u64>,
    /// Data addresses that it computes, loads from or stores to.
    pub data_references: BTreeSet<u64>,
    /// Indirect jumps out of a live frame, without a table to bound them.
    pub unbounded_jumps: BTreeSet<u64>,
    /// Jump tables read: start and end address.
    pub tables: BTreeSet<(u64, u64)>,
    /// Blocks that end in a jump to an unknown place.
    pub computed_jumps: BTreeSet<u64>,
    /// Out-of-line save routines (`jal t0`) that run as part of this function: start and limit.
    inlined: Vec<(u64, u64)>,
    pending: BTreeSet<u64>,
}

/// A basic block. Calls end blocks, `ecall`s do not.
#[derive(Debug)]
pub(super) struct Block {
    /// What is known at its start.
    pub entry: Snapshot,
    /// The first address behind it.
    pub end: u64,
    /// How it ends.
    pub exit: Exit,
    visits: u8,
}

/// How a block ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Exit {
    /// Blocks of this function that can follow, the one behind a call included.
    pub successors: Vec<u64>,
    /// The call that it ends in.
    pub call: Option<Callee>,
    /// Whether the call is not known to come back.
    pub awaits: bool,
    /// Where it leaves the function for good without returning: tail calls and jumps into other pieces.
    pub tail: Option<Callee>,
    /// Whether it may return to the caller.
    pub returns: bool,
}

/// What a call or a jump out of the function goes to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Callee {
    /// One of these.
    pub known: Vec<u64>,
    /// Or any function whose address is taken.
    pub unknown: bool,
}

/// What exploring a function needs to know of the rest of the program.
pub(super) trait Surroundings {
    /// Whether a call of `function` is known to come back.
    fn returns(&self, function: u64) -> bool;
    /// The next plausible function start above `address`.
    fn limit_of(&self, address: u64) -> u64;
    /// Whether a function plausibly starts at `address`.
    fn is_start(&self, address: u64) -> bool;
    /// Where the unwinder enters when the call at `call` throws.
    fn landing_pad(&self, call: u64) -> Option<u64>;
    /// Code addresses in data that point strictly inside `start..end`.
    fn labels(&self, start: u64, end: u64) -> Vec<u64>;
}

impl Function {
    /// A function of which only the entry is known; `explore` finds the rest.
    pub fn new(entry: u64, surroundings: &impl Surroundings, global_pointer: Option<u64>) -> Function {
        let mut function = Function {
            entry,
            limit: surroundings.limit_of(entry),
            blocks: BTreeMap::new(),
            returns: false,
            sites: BTreeSet::new(),
            code_references: BTreeSet::new(),
            data_references: BTreeSet::new(),
            unbounded_jumps: BTreeSet::new(),
            tables: BTreeSet::new(),
            computed_jumps: BTreeSet::new(),
            inlined: Vec::new(),
            pending: BTreeSet::new(),
        };
        function.reach(entry, &State::at_entry(global_pointer));
        function
    }

    /// Runs the block that ends in a call again, because its callee turned out to return.
    pub fn resume(&mut self, block: u64) {
        self.pending.insert(block);
    }

    /// Control may come to `target` when a panic was recovered: with nothing known.
    pub fn resume_after_panic(&mut self, target: u64) {
        self.reach(target, &State::unknown());
    }

    /// Runs all pending blocks until nothing changes.
    pub fn explore(&mut self, code: &Code<'_>, convention: Convention, surroundings: &impl Surroundings) {
        while let Some(start) = self.pending.pop_first() {
            self.run(start, code, convention, surroundings);
        }
    }

    /// The instructions of the block at `start`, with what is known before each.
    pub fn walk<'c>(&self, start: u64, code: &'c Code<'c>) -> impl Iterator<Item = (u64, Instruction, State)> + 'c {
        let block = self.blocks.get(&start);
        let end = block.map_or(start, |block| block.end);
        let mut state = block.map(|block| block.entry.state());
        let mut at = start;
        std::iter::from_fn(move || {
            let before = state.clone()?;
            let instruction = code.fetch(at).filter(|_| at < end)?;
            let here = at;
            state.as_mut()?.step(&instruction, here, code);
            at += u64::from(instruction.length);
            Some((here, instruction, before))
        })
    }

    /// Shows `see` each instruction of the block at `start` with what is known before it; gives what is known behind
    /// the last one.
    pub fn visit(&self, start: u64, code: &Code<'_>, mut see: impl FnMut(u64, &Instruction, &State)) -> Option<State> {
        let block = self.blocks.get(&start)?;
        let mut state = block.entry.state();
        let mut at = start;
        while at < block.end {
            let Some(instruction) = code.fetch(at) else { break };
            see(at, &instruction, &state);
            state.step(&instruction, at, code);
            at += u64::from(instruction.length);
        }
        Some(state)
    }

    fn is_inside(&self, target: u64) -> bool {
        (self.entry..self.limit).contains(&target)
            || self.inlined.iter().any(|&(start, limit)| (start..limit).contains(&target))
    }

    /// Control reaches `target`, inside this function, with `state`.
    fn reach(&mut self, target: u64, state: &State) {
        if let Some(block) = self.blocks.get_mut(&target) {
            let mut known = block.entry.state();
            if known.join(state, block.visits >= VISITS_BEFORE_WIDENING) {
                block.entry = known.snapshot();
                self.pending.insert(target);
            }
            return;
        }
        // A block that ran through `target` must now end there.
        if let Some((&start, block)) = self.blocks.range(..target).next_back()
            && block.end > target
        {
            self.pending.insert(start);
        }
        let exit = Exit::default();
        self.blocks.insert(target, Block { entry: state.snapshot(), end: target, exit, visits: 0 });
        self.pending.insert(target);
    }

    fn run(&mut self, start: u64, code: &Code<'_>, convention: Convention, surroundings: &impl Surroundings) {
        let Some(block) = self.blocks.get_mut(&start) else { return };
        block.visits = block.visits.saturating_add(1);
        let mut state = block.entry.state();
        let mut exit = Exit::default();
        let mut at = start;
        loop {
            if at != start && self.blocks.contains_key(&at) {
                self.go(at, &state, &mut exit);
                break;
            }
            let Some(instruction) = code.fetch(at) else { break };
            let next = at.wrapping_add(instruction.length.into());
            self.note_references(&instruction, at, &state, code);
            self.note_link(&instruction, &state, convention);
            match instruction.effects().flow {
                ControlFlow::Next => state.step(&instruction, at, code),
                ControlFlow::EnvironmentCall => {
                    self.sites.insert(at);
                    if never_returns(&state.get(Register::A7)) {
                        at = next;
                        break;
                    }
                    state.step(&instruction, at, code);
                }
                ControlFlow::Trap => {
                    // A debugger may step over `ebreak`; the program itself never gets past it.
                    at = next;
                    break;
                }
                ControlFlow::Branch(offset) => {
                    self.branch(&instruction, at.wrapping_add_signed(offset.into()), next, &state, &mut exit);
                    at = next;
                    break;
                }
                ControlFlow::Jump(_) | ControlFlow::IndirectJump => {
                    self.jump(&instruction, at, state, &mut exit, (start, code, convention, surroundings));
                    at = next;
                    break;
                }
            }
            at = next;
            if !self.is_inside(at) {
                self.go(at, &state, &mut exit);
                break;
            }
        }
        self.returns |= exit.returns;
        if let Some(block) = self.blocks.get_mut(&start) {
            block.end = at;
            block.exit = exit;
        }
    }

    /// What a function does with the address it returns to, other than keep it in its frame and return, may be used to
    /// go on there some other way: Go's `mcall` never returns, but stores it where the scheduler later jumps through.
    fn note_link(&mut self, instruction: &Instruction, state: &State, convention: Convention) {
        if convention != Convention::Go {
            return;
        }
        for link in [Register::RA, Register::T0] {
            let uses = instruction.effects().uses.contains(link) && state.get(link) == Value::Any;
            let own_frame = instruction.op == Op::Sd && matches!(state.address(instruction), Value::Stack(_));
            let jumps = matches!(instruction.op, Op::Jalr);
            if uses && link == Register::RA && !own_frame && !jumps {
                self.returns = true;
            }
        }
    }

    /// Control goes to `target`: a block of this function, or another function for good.
    fn go(&mut self, target: u64, state: &State, exit: &mut Exit) {
        if self.is_inside(target) {
            exit.successors.push(target);
            self.reach(target, state);
        } else {
            exit.leave(Callee { known: vec![target], unknown: false });
        }
    }

    fn branch(&mut self, instruction: &Instruction, taken: u64, next: u64, state: &State, exit: &mut Exit) {
        let (left, right) = (instruction.rs1(), instruction.rs2());
        let bound = |register| state.get(register).constant();
        let (mut on_taken, mut on_next) = (state.clone(), state.clone());
        let (less, not_less) = match instruction.op {
            Op::Bltu => (Some(&mut on_taken), Some(&mut on_next)),
            Op::Bgeu => (Some(&mut on_next), Some(&mut on_taken)),
            _ => (None, None),
        };
        if let (Some(less), Some(bound)) = (less, bound(right)) {
            less.refine_below(left, bound);
        }
        if let (Some(not_less), Some(bound)) = (not_less, bound(left).and_then(|bound| bound.checked_add(1))) {
            not_less.refine_below(right, bound);
        }
        self.go(taken, &on_taken, exit);
        self.go(next, &on_next, exit);
    }

    fn jump<S: Surroundings>(
        &mut self,
        instruction: &Instruction,
        at: u64,
        mut state: State,
        exit: &mut Exit,
        (start, code, convention, surroundings): (u64, &Code<'_>, Convention, &S),
    ) {
        let link = instruction.rd();
        let target = match instruction.op {
            Op::Jal => Value::Constant(at.wrapping_add_signed(instruction.immediate.into())),
            _ => state.address(instruction),
        };
        if link == Register::T0
            && let (Some(target), false) = (target.constant(), convention == Convention::Go)
        {
            // Out-of-line prologues return through t0: they are part of the function that they save registers for.
            state.step(instruction, at, code);
            if !self.is_inside(target) {
                self.inlined.push((target, surroundings.limit_of(target)));
            }
            return self.go(target, &state, exit);
        }
        if link == Register::RA
            && convention == Convention::Go
            && let Some(target) = target.constant()
            && is_straight_leaf(code, target)
        {
            state.step(instruction, at, code);
            if !self.is_inside(target) {
                self.inlined.push((target, surroundings.limit_of(target)));
            }
            return self.go(target, &state, exit);
        }
        if !matches!(link, Register::ZERO | Register::RA | Register::T0) {
            // No call returns through another register: a PLT entry, which only has no further use for its link
            // (psABI, "Program Linkage Table"). Coming back is allowed for all the same.
            let mut state = state.clone();
            state.after_call(convention);
            self.go(at.wrapping_add(instruction.length.into()), &state, exit);
        } else if link != Register::ZERO {
            let known = target.constants().unwrap_or_default().to_vec();
            let unknown = known.is_empty();
            let comes_back = unknown || known.iter().any(|&target| surroundings.returns(target));
            let callee = Callee { known, unknown };
            exit.call = Some(callee);
            exit.awaits = !comes_back;
            state.after_call(convention);
            if let Some(pad) = surroundings.landing_pad(at) {
                self.go(pad, &state, exit);
            }
            if comes_back {
                let next = at.wrapping_add(instruction.length.into());
                self.go(next, &state, exit);
            }
            return;
        }
        if let Some(targets) = target.constants() {
            for &target in targets {
                self.go(target, &state, exit);
            }
            return;
        }
        if instruction.rs1() == Register::RA {
            exit.returns = true;
            return;
        }
        let plausible = |target| code.contains(target) && (self.is_inside(target) || surroundings.is_start(target));
        if let Some((table, targets)) = table_targets(&target, code, plausible) {
            let size = u64::from(table.scale.count.unwrap_or(0)) << table.scale.shift;
            self.tables.insert((table.base, table.base.wrapping_add(size)));
            for target in targets {
                self.go(target, &state, exit);
            }
            return;
        }
        self.unbounded_jump(start, at, &state, exit, (code, surroundings));
    }

    /// A jump to an unknown place. Without a frame of its own the function passes control on through a pointer; in any
    /// case it may go to a label of this function whose address is taken. With a live frame it is a jump table that
    /// was not understood: then all code up to the next function may be its target.
    fn unbounded_jump<S: Surroundings>(
        &mut self,
        start: u64,
        at: u64,
        state: &State,
        exit: &mut Exit,
        (code, surroundings): (&Code<'_>, &S),
    ) {
        let inner = self.entry + 1..self.limit.max(self.entry + 1);
        let mut labels: BTreeSet<u64> = surroundings.labels(inner.start, inner.end).into_iter().collect();
        labels.extend(self.code_references.range(inner));
        if state.get(Register::SP) != Value::Stack(0) && labels.is_empty() {
            self.unbounded_jumps.insert(at);
            labels = self.places_behind_jumps(code);
        }
        self.computed_jumps.insert(start);
        for label in labels {
            self.go(label, state, exit);
        }
        exit.leave(Callee { known: Vec::new(), unknown: true });
        exit.returns = true;
    }

    /// Where pieces of code start that nothing falls into, when the function is decoded from front to back.
    fn places_behind_jumps(&self, code: &Code<'_>) -> BTreeSet<u64> {
        let mut places = BTreeSet::new();
        let mut at = self.entry;
        while at < self.limit {
            let Some(instruction) = code.fetch(at) else {
                at += 2;
                continue;
            };
            at += u64::from(instruction.length);
            let leaves = match instruction.effects().flow {
                ControlFlow::Jump(_) | ControlFlow::IndirectJump => instruction.rd() == Register::ZERO,
                ControlFlow::Trap => true,
                _ => false,
            };
            if leaves && at < self.limit && code.fetch(at).is_some() {
                places.insert(at);
            }
        }
        places
    }

    fn note_references(&mut self, instruction: &Instruction, at: u64, state: &State, code: &Code<'_>) {
        let is_load = super::code::load_size(instruction.op).is_some();
        if is_load || store_size(instruction.op).is_some() {
            if let Value::Constant(address) = state.address(instruction) {
                self.data_references.insert(address);
            }
            if !is_load {
                return;
            }
        }
        // Addresses are finished by `addi` or `add` (R_RISCV_LO12_I, R_RISCV_PCREL_LO12_I) or loaded whole; `lui` and
        // `auipc` give only their upper part, and `addiw` makes integers, never addresses.
        let finishes = matches!(instruction.op, Op::Addi | Op::Add | Op::Sub | Op::Ld)
            || matches!(instruction.op, Op::Sh1add | Op::Sh2add | Op::Sh3add);
        if !finishes {
            return;
        }
        match state.result(instruction, at, code) {
            Some(Value::Element(table)) => {
                self.data_references.insert(table.base);
            }
            Some(value) => {
                for &address in value.constants().unwrap_or_default() {
                    if code.contains(address) {
                        if self.code_references.insert(address) {
                            self.pending.extend(&self.computed_jumps);
                        }
                    } else if code.elf.segment_at(crate::address::Address(address)).is_some() {
                        self.data_references.insert(address);
                    }
                }
            }
            None => {}
        }
    }
}

impl State {
    /// Applies an instruction that does not jump.
    pub fn step(&mut self, instruction: &Instruction, at: u64, code: &Code<'_>) {
        if instruction.op == Op::Ecall {
            // Linux changes a0 only (psABI, "Linux system call interface").
            self.set(Register::A0, Value::Any);
        } else if let Some(value) = self.result(instruction, at, code) {
            self.set(instruction.rd(), value);
        }
    }
}

impl Exit {
    fn leave(&mut self, callee: Callee) {
        let tail = self.tail.get_or_insert_default();
        tail.known.extend(callee.known);
        tail.unknown |= callee.unknown;
    }
}

/// Whether a syscall with this number surely does not come back: exit, exit_group, rt_sigreturn.
fn never_returns(number: &Value) -> bool {
    number.constants().is_some_and(|numbers| numbers.iter().all(|number| matches!(number, 93 | 94 | 139)))
}

/// Whether `target` is nothing but loads, stores and arithmetic up to a return, with a store through a pointer: copying
/// and zeroing (Go's Duff's devices) that belongs to the function that calls it, as its frame is what it fills.
fn is_straight_leaf(code: &Code<'_>, target: u64) -> bool {
    let mut at = target;
    let mut stores = false;
    for _ in 0..1024 {
        let Some(instruction) = code.fetch(at) else { return false };
        let effects = instruction.effects();
        if effects.flow != ControlFlow::Next {
            return stores
                && effects.flow == ControlFlow::IndirectJump
                && instruction.rd() == Register::ZERO
                && (instruction.rs1(), instruction.immediate) == (Register::RA, 0);
        }
        if effects.defines.contains(Register::RA) || effects.defines.contains(Register::SP) {
            return false;
        }
        stores |= store_size(instruction.op).is_some() && instruction.rs1() != Register::SP;
        at += u64::from(instruction.length);
    }
    false
}
