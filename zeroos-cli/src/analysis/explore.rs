//! Finds the blocks of one function by running it on abstract values, so that a call that never returns, an
//! `exit_group` or a jump table decide which code exists.

mod derived;
mod jumps;
mod notes;
mod sweep;

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::rc::Rc;

use derived::Derived;
use jumps::Front;
pub(super) use sweep::Sweep;

use super::blocks::{BlockEffects, Blocks, LONGEST};
use super::call_tables::CallTable;
use super::cells::is_float_access;
use super::code::{Code, load_size, store_size};
use super::exit::{BlockId, Exit, FunctionId};
use super::flow::all_registers;
use super::function::{Exploration, Function};
use super::premises::Premises;
use super::result::ProgramFeatures;
use super::state::{Convention, State};
use super::surroundings::Surroundings;
use super::value::Value;
use crate::elf::ElfKind;
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet};

/// After this many visits a block's values that still change are given up: it ends loops that count.
const VISITS_BEFORE_WIDENING: u8 = 6;

/// One function being explored.
pub(super) struct Explorer<'p, 'v> {
    pub code: &'p Code<'v>,
    pub convention: Convention,
    pub premises: &'p Premises,
    pub surroundings: &'p mut Surroundings,
    /// Functions that can be called through a pointer, as far as is known.
    pub address_taken: &'p BTreeSet<u64>,
    pub blocks: &'p mut Blocks<'v>,
    pub function: &'p mut Function,
    pub exploration: &'p mut Exploration,
    pub id: FunctionId,
    /// Where instructions of the function start, once that is asked.
    pub front: OnceCell<Front>,
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
    /// Those that it computes from its own place (`auipc`): no mere numbers.
    pub labels: Vec<u64>,
    /// Tables that it calls by.
    pub tables: Vec<Rc<CallTable>>,
    /// Every `ecall` met, with the block that was run.
    pub sites: Vec<(u64, BlockId)>,
    /// How many labels of jumps that are not understood were looked at, and how many halfwords for that.
    pub tried: u64,
    /// What the code needs of the hart.
    pub features: ProgramFeatures,
    /// Addresses of writable memory that code has in a register, with the function.
    pub pointers: Vec<(u64, FunctionId)>,
    /// Ranges of addresses that code may use: both ends are part of it.
    pub data: Vec<(u64, u64)>,
    /// Addresses of writable memory that code loads from or stores to by their number, with the block.
    pub accesses: Vec<(u64, BlockId)>,
    /// At which lengths `pointers`, `accesses` and `data` are tidied.
    tidy_above: (usize, usize, usize),
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
        tidy(&mut self.data, &mut self.tidy_above.2);
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Runs all pending blocks, lowest address first, until nothing changes.
    pub fn explore(&mut self, entry_state: &State<'v>) {
        let mut heap = BinaryHeap::new();
        if self.convention == Convention::Go && !self.code.go.is_in_text(self.function.entry) {
            self.lose(
                self.function.entry,
                "code is reached that Go's function table does not name: C code, which is not followed",
            );
        }
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
        let (mut exit, mut effects) = (Exit::default(), BlockEffects::default());
        let mut derived = Derived::default();
        let mut cursor = self.code.instructions_from(start);
        let (first, mut clear_until) = (cursor.slot, self.clear_from(start, cursor.slot));
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
            let Some((_, instruction)) = cursor.next() else { break };
            let here = instruction.effects();
            if self.convention == Convention::Standard {
                self.note_saved(&instruction, here, effects.writes, state);
            }
            effects.add(here);
            self.found.features.note(&instruction, at);
            match here.flow {
                ControlFlow::Next => {
                    derived.step(&instruction, here, state);
                    self.step((block, at), &instruction, here.uses, &derived, state);
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
        self.blocks.end(block, cursor.at, first..cursor.slot);
        let this = &mut self.blocks[block];
        this.exit = exit;
        this.effects = effects;
    }

    /// Up to where, from an instruction at `at` that the block has, no other block starts, and the function does not end.
    fn clear_from(&self, at: u64, slot: usize) -> u64 {
        let extent = &self.exploration.extent;
        let free = at.saturating_add(2 * self.blocks.free_from(slot) as u64);
        if extent.contains(&at) { free.min(extent.end) } else { at.saturating_add(2) }
    }

    /// Control goes on at `next`, behind a call. Where a function of Go ends in one, it never comes back: "there is no fallthrough
    /// in TEXTs" (`go.dev/doc/asm`). `nop`s may stand behind it.
    fn go_on(&mut self, next: u64, state: &State<'v>, exit: &mut Exit) {
        let nops = self.code.instructions_from(next).take_while(|(_, instruction)| sweep::is_nop(instruction));
        let behind = nops.last().map_or(next, |(at, nop)| at.wrapping_add(nop.length.into()));
        if self.convention == Convention::Standard || ![next, behind].iter().any(|&at| self.code.go.is_boundary(at)) {
            self.go(next, state, exit);
        }
    }

    /// Control goes to `target`: a block of this function, or another function for good.
    fn go(&mut self, target: u64, state: &State<'v>, exit: &mut Exit) {
        if self.exploration.is_inside(target) {
            if let Some(block) = self.reach(target, state) {
                exit.add_successor(block);
            }
        } else {
            let callee = self.surroundings.entered_at(target, self.code);
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
        if goes_to(taken) && state.is_refined_by(instruction) {
            let mut on_taken = state.clone();
            on_taken.refine(instruction, true, self.code.arena);
            self.go(taken, &on_taken, exit);
        } else if goes_to(taken) {
            self.go(taken, state, exit);
        }
        if goes_to(next) {
            state.refine(instruction, false, self.code.arena);
            self.go(next, state, exit);
        }
    }

    /// Applies an instruction that does not jump, and notes the addresses that it makes and uses.
    fn step(
        &mut self,
        (block, at): (BlockId, u64),
        instruction: &Instruction,
        uses: RegisterSet,
        derived: &Derived,
        state: &mut State<'v>,
    ) {
        if uses.contains(Register::RA) && self.hands_on_link(instruction, state) {
            self.exploration.returns = true;
        }
        if knows_nothing(instruction, uses, state) || self.stays_in_frame(instruction, state) {
            if instruction.writes_integer_register() {
                state.apply(instruction, Value::Any);
            }
            return;
        }
        let result = state.result(instruction, at, self.code);
        if load_size(instruction.op).or(store_size(instruction.op)).is_some() {
            let address = state.address(instruction, self.code.arena);
            let constants = address.constants().unwrap_or_default().iter();
            let writable = constants.filter(|&&address| self.code.is_writable(address));
            self.found.accesses.extend(writable.map(|&address| (address, block)));
        } else if is_float_access(instruction.op) {
            // Who may write where, or have what lies there, is asked of those that have the address.
            let address = state.address(instruction, self.code.arena);
            let writable = address.constants().unwrap_or_default().iter().filter(|&&at| self.code.is_writable(at));
            self.found.pointers.extend(writable.map(|&address| (address, self.id)));
        }
        self.note_constants(instruction, uses, state, result);
        let Some(value) = result else { return };
        self.note_calculation(instruction, uses, state, value);
        state.apply(instruction, value);
        let Some(constants) = value.constants() else { return };
        self.function.makes_addresses |=
            instruction.op == Op::Auipc || load_size(instruction.op).is_some() || uses.contains(Register::GP);
        if self.code.elf.kind == ElfKind::StaticPie && derived.from_number.contains(instruction.rd()) {
            return;
        }
        let writable = constants.iter().filter(|&&address| self.code.is_writable(address));
        self.found.pointers.extend(writable.map(|&address| (address, self.id)));
        if !finishes_address(instruction.op) {
            return;
        }
        for &address in constants {
            if self.code.contains(address) && self.function.code_references.insert(address) {
                match derived.from_place.contains(instruction.rd()) {
                    true => self.found.labels.push(address),
                    false => self.found.references.push(address),
                }
                self.queue_computed_jumps();
            }
        }
    }
}

impl<'v> Explorer<'_, 'v> {
    /// Nothing can be said any more of where control goes, because of what the instruction at `at` does.
    fn lose(&mut self, at: u64, why: &str) {
        self.found.lost.get_or_insert_with(|| format!("at {at:#x} {why}"));
    }

    /// Registers that a call of `target` changes although the calling convention says that they are kept.
    fn broken_by(&self, target: Value<'v>) -> RegisterSet {
        self.premises.broken_by(target.constants())
    }

    /// Whether an instruction that uses ra does more with the address that the function returns to than keep it in its
    /// frame: then control may go on there some other way. Go's `mcall` never returns, but stores it where the scheduler
    /// later jumps through; a switch of contexts in C stores it and goes on with another one's.
    fn hands_on_link(&self, instruction: &Instruction, state: &State<'v>) -> bool {
        let address = || state.address(instruction, self.code.arena);
        let in_frame = || instruction.op == Op::Sd && matches!(address(), Value::Stack(_));
        // Compilers for C use ra for other things, too, and store those.
        let stores = || instruction.op == Op::Sd && instruction.rs2() == Register::RA;
        let hands_on = self.convention == Convention::Go || stores();
        hands_on && state.get(Register::RA) == Value::Any && !in_frame()
    }

    /// Whether all that the instruction does is to keep something in the frame or to get it from there, which says nothing of any value.
    fn stays_in_frame(&self, instruction: &Instruction, state: &State<'v>) -> bool {
        let loads = load_size(instruction.op).is_some();
        let stores = || {
            store_size(instruction.op).is_some()
                && !(self.code.has_constants() && state.known().contains(instruction.rs2()))
        };
        (loads || stores()) && matches!(state.get(instruction.rs1()), Value::Stack(_))
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

/// Whether it is certain without looking closer that nothing is known of what `instruction` makes and of where it reads
/// or writes: it takes registers, of none of which anything is known. Masks and shifts always say something.
fn knows_nothing(instruction: &Instruction, uses: RegisterSet, state: &State<'_>) -> bool {
    let says_something = matches!(
        instruction.op,
        Op::Andi
            | Op::Slli
            | Op::SlliUw
            | Op::Sh1add
            | Op::Sh2add
            | Op::Sh3add
            | Op::Sh1addUw
            | Op::Sh2addUw
            | Op::Sh3addUw
    );
    !uses.is_empty() && uses.intersection(state.known()).is_empty() && instruction.rs1 != 0 && !says_something
}

/// Whether `op` can make an address whole: `addi` and `add` do (R_RISCV_LO12_I, R_RISCV_PCREL_LO12_I), `addiw` where one is
/// written as a number, and `ld`; `lui` and `auipc` give only the upper part.
fn finishes_address(op: Op) -> bool {
    matches!(op, Op::Addi | Op::Add | Op::Sub | Op::Addiw | Op::Sh1add | Op::Sh2add | Op::Sh3add | Op::Ld)
}

/// Whether a syscall with this number surely does not come back: exit, exit_group, rt_sigreturn.
fn never_returns(number: Value<'_>) -> bool {
    number.constants().is_some_and(|numbers| numbers.iter().all(|number| matches!(number, 93 | 94 | 139)))
}
