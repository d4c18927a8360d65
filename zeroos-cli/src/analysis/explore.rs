//! Finds the blocks of one function by running it on abstract values, so that a call that never returns, an
//! `exit_group` or a jump table decide which code exists.

mod derived;
mod jumps;
mod seen;
mod straight;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub(super) use derived::Derived;
pub(super) use straight::{Listener, step};

use seen::Running;

use super::blocks::{BlockEffects, Blocks, LONGEST};
use super::code::Code;
use super::cursor::Cursor;
use super::exit::{BlockId, Exit, FunctionId};
use super::flow::all_registers;
use super::function::{Exploration, Function};
use super::premises::Premises;
use super::result::ProgramFeatures;
use super::state::{Convention, State};
use super::surroundings::Surroundings;
use super::value::Value;
use crate::isa::{ControlFlow, Effects, Instruction, Op, Register, RegisterSet};

/// After this many visits a block's values that still change are given up: it ends loops that count.
const VISITS_BEFORE_WIDENING: u8 = 6;

/// One function being explored.
pub(super) struct Explorer<'p, 'v> {
    pub code: &'p Code<'v>,
    pub convention: Convention,
    pub premises: &'p Premises,
    pub surroundings: &'p mut Surroundings,
    pub blocks: &'p mut Blocks<'v>,
    pub function: &'p mut Function,
    pub exploration: &'p mut Exploration,
    pub id: FunctionId,
    pub found: &'p mut Discoveries,
}

/// Where an explorer stands in a block that it runs, and what the block did so far besides to the registers.
struct Place<'v> {
    cursor: Cursor<'v>,
    effects: BlockEffects,
    derived: Derived,
    /// The instruction there, if it was decoded already.
    next: Option<Instruction>,
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
    /// Those that it computes from its own place (`auipc`): no mere numbers.
    pub labels: Vec<u64>,
    /// Every `ecall` met, with the block that was run.
    pub sites: Vec<(u64, BlockId)>,
    /// Blocks that end where the program is stopped by a signal: `ebreak`, and what is no instruction.
    pub stops: Vec<BlockId>,
    /// What the code needs of the hart.
    pub features: ProgramFeatures,
    /// Addresses of writable memory that code has in a register, with the function.
    pub pointers: Vec<(u64, FunctionId)>,
    /// Ranges of addresses that code may use: both ends are part of it.
    pub data: Vec<(u64, u64)>,
    /// Addresses of writable memory that code loads from or stores to by their number, with the block.
    pub accesses: Vec<(u64, BlockId)>,
    /// At which lengths `pointers` and `accesses` are tidied.
    tidy_above: (usize, usize),
    /// What code leaves in gp; `None` for what is not known.
    pub global_pointers: Vec<Option<u64>>,
    /// Whether control goes where by the section headers no code lies.
    pub has_hidden_code: bool,
    /// Why nothing can be said of where control goes, if that is so.
    pub lost: Option<String>,
}

impl Discoveries {
    /// Drops what was noted again, each time a list has doubled: code is run several times.
    pub fn tidy(&mut self) {
        fn tidy<T: Ord>(list: &mut Vec<T>, limit: &mut usize) {
            if list.len() > *limit {
                list.sort_unstable();
                list.dedup();
                *limit = 2 * list.len().max(1 << 10);
            }
        }
        tidy(&mut self.pointers, &mut self.tidy_above.0);
        tidy(&mut self.accesses, &mut self.tidy_above.1);
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Runs all pending blocks, lowest address first, until nothing changes.
    pub fn explore(&mut self, entry_state: &State<'v>) {
        let mut heap = BinaryHeap::new();
        if self.function.blocks.is_empty() {
            self.reach(self.function.entry, entry_state);
        }
        let resumption = self.surroundings.resumption(self.function.entry);
        let mut resumption =
            resumption.filter(|&at| self.code.slot(at).is_some_and(|slot| self.blocks.find(slot, self.id).is_none()));
        let mut state = State::unknown();
        loop {
            for block in self.exploration.pending.drain(..) {
                heap.push(Reverse((self.blocks[block].start, block)));
            }
            match (heap.pop(), resumption.take()) {
                (Some(Reverse((_, block))), still) => {
                    resumption = still;
                    self.run(block, &mut state);
                }
                (None, Some(resumption)) => {
                    self.reach(resumption, &self.at_resumption());
                }
                (None, None) => break,
            }
        }
    }

    fn queue(&mut self, block: BlockId) {
        if self.blocks[block].queue() {
            self.exploration.pending.push(block);
        }
    }

    /// What a jump to an unknown place may lead to is more than was known.
    fn queue_computed_jumps(&mut self) {
        let blocks: Vec<BlockId> = self.exploration.computed_jumps().collect();
        blocks.into_iter().for_each(|block| self.queue(block));
    }

    /// Control reaches `target`, inside this function, with `state`.
    fn reach(&mut self, target: u64, state: &State<'v>) -> Option<BlockId> {
        let slot = self.code.slot(target)?;
        if let Some(block) = self.blocks.find(slot, self.id) {
            if self.exploration.jumps().is_some_and(|jumps| jumps.shared.contains(&block)) {
                self.queue(block);
            }
            let widen = self.blocks[block].visits() >= VISITS_BEFORE_WIDENING;
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
        this.visit();
        let start = this.start;
        let mut exit = Exit::default();
        let cursor = self.code.instructions_from(start);
        let mut place = Place { cursor, effects: BlockEffects::default(), derived: Derived::default(), next: None };
        self.take_over(block, &mut place, state);
        let Place { mut cursor, mut effects, mut derived, mut next } = place;
        let mut clear_until = if cursor.at == start { self.clear_from(start, cursor.slot) } else { cursor.at };
        loop {
            let (at, slot) = (cursor.at, cursor.slot);
            if at >= clear_until {
                let meets = self.blocks.find(slot, self.id).is_some();
                if meets || at - start >= LONGEST || !self.exploration.is_inside(at) {
                    self.go(at, state, &mut exit);
                    break;
                }
                clear_until = self.clear_from(at, slot);
            }
            let instruction = match next.take() {
                Some(next) => {
                    cursor.advance(next.length.into());
                    next
                }
                None => match cursor.next() {
                    Some((_, next)) => next,
                    None => {
                        if let Some(length) = cursor.unknown_length() {
                            self.stop(block, at.wrapping_add(length), state, &mut exit);
                        }
                        break;
                    }
                },
            };
            let here = instruction.effects();
            if self.convention == Convention::Standard {
                self.note_saved(&instruction, here, effects.writes, state);
            }
            effects.add(here);
            self.found.features.note(&instruction, at);
            match here.flow {
                ControlFlow::Next => {
                    derived.step(&instruction, here, state);
                    let (view, mut running) = ((self.code, self.convention), Running { explorer: self, block });
                    step(view, (at, &instruction, here), &derived, state, &mut running);
                    continue;
                }
                ControlFlow::EnvironmentCall => {
                    self.found.sites.push((at, block));
                    if !never_returns(state.get(Register::A7)) {
                        state.step(&instruction, at, self.code);
                        continue;
                    }
                }
                ControlFlow::Trap => self.stop(block, cursor.at, state, &mut exit),
                ControlFlow::Branch(offset) => {
                    self.code.note_target(at.wrapping_add_signed(offset.into()));
                    self.branch(&instruction, at, (at.wrapping_add_signed(offset.into()), cursor.at), state, &mut exit);
                }
                ControlFlow::Jump(_) | ControlFlow::IndirectJump => {
                    // A link is an address, too, if it is more than where a callee returns to.
                    let stays = matches!(here.flow, ControlFlow::Jump(offset)
                        if self.exploration.is_inside(at.wrapping_add_signed(offset.into())));
                    let links = instruction.rd() != Register::ZERO;
                    self.function.makes_addresses |= links && (stays || instruction.rd() != Register::RA);
                    self.jump(block, &instruction, at, derived, state, &mut exit);
                }
            }
            break;
        }
        if derived.global_pointer_is_set && self.convention == Convention::Standard {
            match state.get(Register::GP).constants() {
                Some(constants) => self.found.global_pointers.extend(constants.iter().copied().map(Some)),
                None if derived.global_pointer_is_restored => {}
                None => self.found.global_pointers.push(None),
            }
        }
        self.exploration.returns |= exit.returns();
        let this = &mut self.blocks[block];
        this.set_end(cursor.at);
        this.exit = exit;
        this.effects = effects;
    }

    /// Up to where, from an instruction at `at` that the block has, no other block starts, and the function does not end.
    fn clear_from(&self, at: u64, slot: usize) -> u64 {
        let extent = &self.exploration.extent;
        let free = at.saturating_add(2 * self.blocks.free_from(slot) as u64);
        if extent.contains(&at) { free.min(extent.end) } else { at.saturating_add(2) }
    }

    /// Control goes to `target`: a block of this function, or another function for good.
    fn go(&mut self, target: u64, state: &State<'v>, exit: &mut Exit) {
        if self.exploration.is_inside(target) {
            if let Some(block) = self.reach(target, state) {
                exit.add_successor(block);
            }
        } else {
            let callee = self.surroundings.function_at(target, self.code);
            self.found.has_hidden_code |= callee.is_none() && self.code.is_hidden_code(target);
            self.found.tails.extend(callee);
            exit.add_tail(callee, false);
        }
    }

    fn branch(
        &mut self,
        instruction: &Instruction,
        at: u64,
        (taken, next): (u64, u64),
        state: &mut State<'v>,
        exit: &mut Exit,
    ) {
        let finished = self.premises.finished();
        let goes_to = |target| finished.is_none_or(|finished| !finished.never_goes(at, target));
        // Of Go's registers only sp is known behind a branch, and of its place in the frame none says more.
        let refines = self.convention == Convention::Standard || !matches!(state.get(Register::SP), Value::Stack(_));
        if goes_to(taken) && refines && state.is_refined_by(instruction) {
            let mut on_taken = state.clone();
            on_taken.refine(instruction, true, self.code.arena);
            self.go(taken, &on_taken, exit);
        } else if goes_to(taken) {
            self.go(taken, state, exit);
        }
        if goes_to(next) {
            if refines {
                state.refine(instruction, false, self.code.arena);
            }
            self.go(next, state, exit);
        }
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Notes the registers that the function stores in its frame before it changes them, or loads from there again.
    fn note_saved(&mut self, instruction: &Instruction, here: Effects, written: RegisterSet, state: &State<'v>) {
        let registers = match instruction.op {
            Op::Sd => RegisterSet::EMPTY.with(instruction.rs2()).minus(written),
            Op::Ld => here.defines,
            _ => return,
        };
        let base = instruction.rs1();
        if base == Register::SP || matches!(state.get(base), Value::Stack(_)) {
            self.function.saved = self.function.saved.union(registers);
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
