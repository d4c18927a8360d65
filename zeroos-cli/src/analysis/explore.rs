//! Finds the blocks of one function by running it on abstract values, so that a call that never returns, an
//! `exit_group` or a jump table decide which code exists.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::blocks::{BlockEffects, Blocks};
use super::code::{Code, load_size, store_size};
use super::exit::{BlockId, Exit, FunctionId};
use super::flow::all_registers;
use super::function::Function;
use super::result::ProgramFeatures;
use super::state::{Convention, State, table_targets};
use super::surroundings::Surroundings;
use super::value::Value;
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet};

/// After this many visits a block's values that still change are given up: it ends loops that count.
const VISITS_BEFORE_WIDENING: u8 = 6;

/// One function being explored.
pub(super) struct Explorer<'p, 'v> {
    pub code: &'p Code<'v>,
    pub convention: Convention,
    pub surroundings: &'p mut Surroundings,
    pub blocks: &'p mut Blocks<'v>,
    pub function: &'p mut Function,
    pub id: FunctionId,
    pub found: &'p mut Discoveries,
}

/// What running a function's blocks brought to light.
#[derive(Default)]
pub(super) struct Discoveries {
    /// Blocks that end in a call and wait for it to return, with the callee.
    pub waiting: Vec<(BlockId, FunctionId)>,
    /// Functions that it jumps to or runs into.
    pub tails: Vec<FunctionId>,
    /// Code addresses that it computes.
    pub references: Vec<u64>,
    /// Every `ecall` met, with the block that was run.
    pub sites: Vec<(u64, BlockId)>,
    /// What the code needs of the hart.
    pub features: ProgramFeatures,
    /// Addresses of writable memory that code has in a register, with the function.
    pub pointers: Vec<(u64, FunctionId)>,
    /// Ranges of addresses that code may use: both ends are part of it.
    pub data: Vec<(u64, u64)>,
    /// Addresses of writable memory that code loads from or stores to by their number, with the block.
    pub accesses: Vec<(u64, BlockId)>,
}

impl<'v> Explorer<'_, 'v> {
    /// Runs all pending blocks, lowest address first, until nothing changes.
    pub fn explore(&mut self, entry_state: &State<'v>) {
        let mut heap = BinaryHeap::new();
        if self.function.blocks.is_empty() {
            self.reach(self.function.entry, entry_state);
            if let Some(resumption) = self.surroundings.resumption(self.function.entry) {
                self.reach(resumption, &State::unknown());
            }
        }
        let mut state = State::unknown();
        loop {
            let pending = self.function.pending.drain(..);
            heap.extend(pending.map(|block| Reverse((self.blocks[block].start, block))));
            let Some(Reverse((_, block))) = heap.pop() else { break };
            self.run(block, &mut state);
        }
    }

    fn queue(&mut self, block: BlockId) {
        if !std::mem::replace(&mut self.blocks[block].queued, true) {
            self.function.pending.push(block);
        }
    }

    /// Control reaches `target`, inside this function, with `state`.
    fn reach(&mut self, target: u64, state: &State<'v>) -> Option<BlockId> {
        let slot = self.code.slot(target)?;
        if let Some(block) = self.blocks.find(slot, self.id) {
            let widen = self.blocks[block].visits >= VISITS_BEFORE_WIDENING;
            if self.blocks.join(block, state, widen, self.code.arena) {
                self.queue(block);
            }
            return Some(block);
        }
        // A block that ran through `target` must now end there.
        if let Some(block) = self.blocks.running_over(slot, target, self.id) {
            self.queue(block);
        }
        let block = self.blocks.insert(self.id, (target, slot), state, carried(self.convention));
        self.function.blocks.push(block);
        self.queue(block);
        Some(block)
    }

    fn run(&mut self, block: BlockId, state: &mut State<'v>) {
        self.blocks.load(block, state);
        let this = &mut self.blocks[block];
        this.visits = this.visits.saturating_add(1);
        this.queued = false;
        let start = this.start;
        let (mut exit, mut effects) = (Exit::default(), BlockEffects::default());
        let mut cursor = self.code.instructions_from(start);
        loop {
            let (at, slot) = (cursor.at, cursor.slot);
            if at != start {
                let meets = self.blocks.any_at(slot) && self.blocks.find(slot, self.id).is_some();
                if meets || !self.function.is_inside(at) {
                    self.go(at, state, &mut exit);
                    break;
                }
            }
            let Some((_, instruction)) = cursor.next() else { break };
            let here = instruction.effects();
            effects.add(here);
            self.found.features.note(&instruction, at);
            match here.flow {
                ControlFlow::Next => {
                    self.step((block, at), &instruction, here.uses, state);
                    continue;
                }
                ControlFlow::EnvironmentCall => {
                    self.found.sites.push((at, block));
                    if !never_returns(state.get(Register::A7)) {
                        state.step(&instruction, at, self.code);
                        continue;
                    }
                }
                // A debugger may step over `ebreak`; the program itself never gets past it.
                ControlFlow::Trap => {}
                ControlFlow::Branch(offset) => {
                    self.branch(&instruction, at.wrapping_add_signed(offset.into()), cursor.at, state, &mut exit);
                }
                ControlFlow::Jump(_) | ControlFlow::IndirectJump => {
                    self.jump(block, &instruction, at, state, &mut exit);
                }
            }
            break;
        }
        self.function.returns |= exit.returns;
        let this = &mut self.blocks[block];
        this.end = cursor.at;
        this.exit = exit;
        this.effects = effects;
    }

    /// Control goes to `target`: a block of this function, or another function for good.
    fn go(&mut self, target: u64, state: &State<'v>, exit: &mut Exit) {
        if self.function.is_inside(target) {
            if let Some(block) = self.reach(target, state) {
                exit.add_successor(block);
            }
        } else {
            let callee = self.surroundings.function_at(target, self.code);
            self.found.tails.extend(callee);
            exit.add_tail(callee, false);
        }
    }

    fn branch(&mut self, instruction: &Instruction, taken: u64, next: u64, state: &mut State<'v>, exit: &mut Exit) {
        let (left, right) = (instruction.rs1(), instruction.rs2());
        if !matches!(instruction.op, Op::Bltu | Op::Bgeu) {
            self.go(taken, state, exit);
            return self.go(next, state, exit);
        }
        let bound = |register| state.get(register).constant();
        let (below, above) = (bound(right), bound(left).and_then(|bound| bound.checked_add(1)));
        let mut less = state.clone();
        if let Some(bound) = below {
            less.refine_below(left, bound);
        }
        if let Some(bound) = above {
            state.refine_below(right, bound);
        }
        let (on_taken, on_next) = if instruction.op == Op::Bltu { (&less, &*state) } else { (&*state, &less) };
        self.go(taken, on_taken, exit);
        self.go(next, on_next, exit);
    }

    fn jump(&mut self, block: BlockId, instruction: &Instruction, at: u64, state: &mut State<'v>, exit: &mut Exit) {
        let link = instruction.rd();
        let target = match instruction.op {
            Op::Jal => Value::Constant(at.wrapping_add_signed(instruction.immediate.into())),
            _ => state.address(instruction, self.code.arena),
        };
        let next = at.wrapping_add(instruction.length.into());
        if link == Register::T0
            && let (Some(target), false) = (target.constant(), self.convention == Convention::Go)
        {
            // Out-of-line prologues return through t0: they are part of the function that they save registers for.
            state.step(instruction, at, self.code);
            if !self.function.is_inside(target) {
                self.function.inlined.push((target, self.surroundings.limit_of(target)));
            }
            return self.go(target, state, exit);
        }
        if !matches!(link, Register::ZERO | Register::RA | Register::T0) {
            // No call returns through another register: a PLT entry, which only has no further use for its link
            // (psABI, "Program Linkage Table"). Coming back is allowed for all the same.
            let mut state = state.clone();
            state.after_call(self.convention);
            self.go(next, &state, exit);
        } else if link != Register::ZERO {
            let comes_back = self.call(block, target, exit);
            state.after_call(self.convention);
            if let Some(pad) = self.surroundings.landing_pad(at) {
                self.go(pad, state, exit);
            }
            if comes_back {
                self.go(next, state, exit);
            }
            return;
        }
        if let Some(targets) = target.constants() {
            for &target in targets {
                self.go(target, state, exit);
            }
            return;
        }
        if instruction.rs1() == Register::RA {
            exit.returns = true;
            return;
        }
        let (code, function, surroundings) = (self.code, &*self.function, &*self.surroundings);
        let plausible = |target| code.contains(target) && (function.is_inside(target) || surroundings.is_start(target));
        if let Some((table, targets)) = table_targets(target, code, plausible) {
            let size = u64::from(table.scale.count.unwrap_or(0)) << table.scale.shift;
            self.function.tables.insert((table.base, table.base.wrapping_add(size)));
            for target in targets {
                self.go(target, state, exit);
            }
            return;
        }
        self.unbounded_jump(block, at, state, exit);
    }

    /// The call that ends `block`; whether it is known to come back.
    fn call(&mut self, block: BlockId, target: Value<'v>, exit: &mut Exit) -> bool {
        let targets = target.constants().unwrap_or_default();
        exit.add_call(None, targets.is_empty());
        if let Some((_, elements)) = table_targets(target, self.code, |target| self.code.contains(target)) {
            // Functions whose addresses lie in a table of distances or of 32-bit words are nowhere else.
            let new = elements.into_iter().filter(|&target| self.function.code_references.insert(target));
            self.found.references.extend(new);
        }
        let mut comes_back = targets.is_empty();
        let first = self.found.waiting.len();
        for &target in targets {
            let Some(callee) = self.surroundings.function_at(target, self.code) else { continue };
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
    /// code are calculated with, it is a jump table that was not understood: then it may go to any of its instructions.
    fn unbounded_jump(&mut self, block: BlockId, at: u64, state: &State<'v>, exit: &mut Exit) {
        let inner = self.function.entry + 1..self.function.limit.max(self.function.entry + 1);
        let mut labels: BTreeSet<u64> = self.surroundings.labels(inner.start, inner.end).collect();
        labels.extend(self.function.code_references.range(inner));
        let has_frame = state.get(Register::SP) != Value::Stack(0);
        if has_frame && labels.is_empty() || self.function.calculates_with_code {
            self.function.unbounded_jumps.insert(at);
            labels.extend(self.instructions_of_function());
        }
        self.function.computed_jumps.insert(block);
        for label in labels {
            self.go(label, state, exit);
        }
        exit.add_tail(None, true);
        exit.returns = true;
    }

    /// Where instructions start when the function is decoded from front to back.
    fn instructions_of_function(&self) -> Vec<u64> {
        let mut starts = Vec::new();
        let mut at = self.function.entry;
        while at < self.function.limit {
            let Some(instruction) = self.code.fetch(at) else {
                at += 2;
                continue;
            };
            starts.push(at);
            at += u64::from(instruction.length);
        }
        starts
    }

    /// Notes that an address of the function's own code is an operand of arithmetic whose result is not known.
    fn note_calculation(&mut self, instruction: &Instruction, uses: RegisterSet, state: &State<'v>, result: Value<'v>) {
        let adds = matches!(instruction.op, Op::Add | Op::Sub | Op::Sh1add | Op::Sh2add | Op::Sh3add);
        if !adds || result.constants().is_some() || self.function.calculates_with_code {
            return;
        }
        let inside = |address: &u64| self.function.is_inside(*address);
        let mut operands = uses.intersection(state.known()).iter().map(|register| state.get(register));
        if operands.any(|operand| operand.constants().unwrap_or_default().iter().any(inside)) {
            self.function.calculates_with_code = true;
            for block in self.function.computed_jumps.clone() {
                self.queue(block);
            }
        }
    }

    /// Applies an instruction that does not jump, and notes the addresses that it makes and uses.
    fn step(
        &mut self,
        (block, at): (BlockId, u64),
        instruction: &Instruction,
        uses: RegisterSet,
        state: &mut State<'v>,
    ) {
        if uses.contains(Register::RA) && self.hands_on_link(instruction, state) {
            self.function.returns = true;
        }
        let result = state.result(instruction, at, self.code);
        if load_size(instruction.op).or(store_size(instruction.op)).is_some() {
            let address = state.address(instruction, self.code.arena);
            let constants = address.constants().unwrap_or_default().iter();
            let writable = constants.filter(|&&address| self.code.is_writable(address));
            self.found.accesses.extend(writable.map(|&address| (address, block)));
        }
        self.note_constants(instruction, uses, state, result);
        let Some(value) = result else { return };
        self.note_calculation(instruction, uses, state, value);
        state.set(instruction.rd(), value);
        let Some(constants) = value.constants() else { return };
        let writable = constants.iter().filter(|&&address| self.code.is_writable(address));
        self.found.pointers.extend(writable.map(|&address| (address, self.id)));
        // Addresses are finished by `addi` or `add` (R_RISCV_LO12_I, R_RISCV_PCREL_LO12_I) or loaded whole; `lui` and
        // `auipc` give only their upper part, and `addiw` makes integers, never addresses.
        let finishes = matches!(instruction.op, Op::Addi | Op::Add | Op::Sub)
            || matches!(instruction.op, Op::Sh1add | Op::Sh2add | Op::Sh3add)
            || instruction.op == Op::Ld;
        if !finishes {
            return;
        }
        for &address in constants {
            if self.code.contains(address) && self.function.code_references.insert(address) {
                self.found.references.push(address);
                for block in self.function.computed_jumps.clone() {
                    self.queue(block);
                }
            }
        }
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Whether an instruction that uses ra does more with the address that the function returns to than keep it in its
    /// frame: then control may go on there some other way. Go's `mcall` never returns, but stores it where the scheduler
    /// later jumps through.
    fn hands_on_link(&self, instruction: &Instruction, state: &State<'v>) -> bool {
        let address = || state.address(instruction, self.code.arena);
        let in_frame = || instruction.op == Op::Sd && matches!(address(), Value::Stack(_));
        self.convention == Convention::Go && state.get(Register::RA) == Value::Any && !in_frame()
    }

    /// Notes what addresses of constants the instruction makes or uses: exactly if they are known, otherwise all that a
    /// displacement can reach from a known operand.
    fn note_constants(
        &mut self,
        instruction: &Instruction,
        uses: RegisterSet,
        state: &State<'v>,
        result: Option<Value<'v>>,
    ) {
        if !self.code.has_constants() {
            return;
        }
        let accesses = load_size(instruction.op).or(store_size(instruction.op)).is_some();
        let exact = match result {
            _ if accesses => state.address(instruction, self.code.arena),
            Some(value) => value,
            None => Value::Any,
        };
        if let Some(constants) = exact.constants() {
            let finished = !matches!(instruction.op, Op::Lui | Op::Auipc);
            let near = constants.iter().filter(|&&address| finished && self.code.is_near_constants(address));
            self.found.data.extend(near.map(|&address| (address, address)));
            return;
        }
        for register in uses.intersection(state.known()).iter() {
            let value = state.get(register);
            let base = match value {
                Value::Element(table) => std::slice::from_ref(&table.base),
                _ => value.constants().unwrap_or_default(),
            };
            let near = base.iter().filter(|&&address| self.code.is_near_constants(address));
            let reach = Code::DISPLACEMENT;
            let around = near.map(|&address| (address.saturating_sub(reach), address.saturating_add(reach)));
            self.found.data.extend(around);
        }
    }
}

/// The registers whose values are followed from block to block. Go's assembler makes addresses in neighbouring
/// instructions, and its functions keep next to nothing in registers over calls: its stack pointer is enough.
fn carried(convention: Convention) -> RegisterSet {
    match convention {
        Convention::Standard => all_registers(),
        Convention::Go => RegisterSet::EMPTY.with(Register::SP),
    }
}

/// Whether a syscall with this number surely does not come back: exit, exit_group, rt_sigreturn.
fn never_returns(number: Value<'_>) -> bool {
    number.constants().is_some_and(|numbers| numbers.iter().all(|number| matches!(number, 93 | 94 | 139)))
}
