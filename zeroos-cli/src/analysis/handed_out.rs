//! Which stores write a slot of a function's frame through its address: those of the functions that the address is handed to in
//! registers, of those that these hand it to, and of those that find it in a variable where one of them put it. Where it goes to
//! other memory, into the frame again or somewhere in an array, anything may write there. What the kernel and functions called
//! through pointers write is not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::cells::{Cells, is_atomic_write, is_float_access};
use super::code::{load_size, store_size};
use super::exit::{BlockId, Callee, FunctionId};
use super::flow::Flow;
use super::program::Program;
use super::resolve::stored_bytes;
use super::state::{State, preserved};
use super::tracking::{is_comparison, reads_stack_arguments};
use super::value::{Value, compute};
use crate::isa::{ControlFlow, Instruction, Op, Register};

/// Functions looked at for one slot.
const WORK_LIMIT: usize = 1_000;

/// More places than this for one register are those of a loop that goes through an array: it is followed no further.
const PLACES_LIMIT: usize = 8;

/// Pointers into the frame: by register, at which of its offsets they can point.
type Held = BTreeMap<Register, BTreeSet<i64>>;

/// A store to some of the slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Write {
    /// The block it is in.
    pub block: BlockId,
    /// The address of the instruction.
    pub at: u64,
    /// The register that it stores, if it writes all of the slot, and from which of its bits on the slot gets them.
    pub register: Option<(Register, u64)>,
}

/// The address of one function's slots on its way.
struct Handed<'h, 'a> {
    program: &'h Program<'a>,
    flow: &'h Flow,
    cells: &'h Cells<'h, 'a>,
    owner: FunctionId,
    wanted: Range<i64>,
    at_entry: BTreeMap<FunctionId, Held>,
    /// By the address of a variable that only code accesses, by its number.
    variables: BTreeMap<u64, BTreeSet<i64>>,
    /// What functions may hand back in a0 and a1.
    returning: BTreeMap<FunctionId, Held>,
    work: BTreeSet<FunctionId>,
    writes: BTreeSet<Write>,
    /// Where a pointer to the slot got out of sight.
    escaped: Option<u64>,
}

/// The stores through pointers to the slot `wanted` of the frame of `owner`.
///
/// # Errors
/// There are too many functions to look at, or, with the address, a pointer gets out of sight.
pub(super) fn writes<'h, 'a>(
    program: &'h Program<'a>,
    flow: &'h Flow,
    cells: &'h Cells<'h, 'a>,
    owner: FunctionId,
    wanted: Range<i64>,
) -> Result<BTreeSet<Write>, Option<u64>> {
    let mut handed = Handed {
        program,
        flow,
        cells,
        owner,
        wanted,
        at_entry: BTreeMap::new(),
        variables: BTreeMap::new(),
        returning: BTreeMap::new(),
        work: BTreeSet::new(),
        writes: BTreeSet::new(),
        escaped: None,
    };
    for &block in &program[owner].blocks {
        let after = program.blocks.visit(block, &program.code, |at, instruction, state| {
            handed.calculate(at, instruction, state);
            if let Value::Stack(offset) = state.get(instruction.rs2()) {
                handed.store(owner, at, instruction, state, &BTreeSet::from([offset]));
            }
            if let (Value::Stack(start), Some(size)) =
                (state.address(instruction, program.code.arena), stored_bytes(instruction))
            {
                // Who returns the address, or keeps it, may use it after more was stored.
                let write = handed.write((block, at), instruction, start, size);
                handed.writes.extend(write);
            }
        });
        let mut held = Held::new();
        for register in after.known().iter() {
            if let Value::Stack(offset) = after.get(register) {
                held.insert(register, BTreeSet::from([offset]));
            }
        }
        handed.hand_on(block, &held);
        handed.join_in_owner(block, &held);
    }
    for _ in 0..WORK_LIMIT {
        match (handed.escaped, handed.work.pop_first()) {
            (Some(at), _) => return Err(Some(at)),
            (None, Some(function)) => handed.follow(function),
            (None, None) => return Ok(handed.writes),
        }
    }
    Err(None)
}

impl<'a> Handed<'_, 'a> {
    /// What the call or jump that ends `block` takes along.
    fn hand_on(&mut self, block: BlockId, held: &Held) {
        let exit = &self.program.blocks[block].exit;
        // A part of the function that lies elsewhere finds all registers as they are.
        let is_tail = exit.tail().is_some();
        for callee in exit.callees() {
            for target in callee.known() {
                // Static chains and LLVM's fast calls use temporaries, too.
                let read = self.cells.liveness().at_entry(target);
                let is_handed = |register: Register| {
                    is_tail || read.contains(register) && matches!(register.number(), 7 | 10..=17 | 28..=31)
                };
                let parameters = held.iter().filter(|&(&register, _)| is_handed(register));
                let known = self.at_entry.entry(target).or_default();
                if join(known, parameters) {
                    self.work.insert(target);
                }
            }
        }
    }

    /// In the owner's frame an address that is calculated with is a pointer to anywhere in it.
    fn calculate(&mut self, at: u64, instruction: &Instruction, state: &State<'a>) {
        let known = state.result(instruction, at, &self.program.code);
        let is_lost = compute(instruction.op, 1, 1).is_some()
            && known.is_none_or(|value| !matches!(value, Value::Stack(_)) && value.constants().is_none());
        let mut uses = instruction.effects().uses.iter();
        if is_lost && !is_comparison(instruction.op) && uses.any(|used| matches!(state.get(used), Value::Stack(_))) {
            self.escaped = self.escaped.or(Some(at));
        }
    }

    /// Where paths join behind `block` of the owner, an address that meets another value is a pointer that is not known any more.
    fn join_in_owner(&mut self, block: BlockId, held: &Held) {
        let (blocks, exit) = (&self.program.blocks, &self.program.blocks[block].exit);
        for next in exit.successors() {
            let known = blocks.state(next);
            let is_lost = |(&register, places): (&Register, &BTreeSet<i64>)| {
                !places.iter().all(|&place| known.get(register) == Value::Stack(place))
                    && (exit.call().is_none() || preserved(self.program.convention).contains(register))
                    && self.cells.liveness().at_start(next).contains(register)
            };
            if held.iter().any(is_lost) {
                self.escaped = self.escaped.or(Some(blocks[next].start));
            }
        }
    }

    /// `function` leaves `held` in registers where it returns: its callers, the owner among them, may have it then.
    fn hand_back(&mut self, function: FunctionId, block: BlockId, held: &Held) {
        let results = held.iter().filter(|(register, _)| matches!(register.number(), 10 | 11));
        let known = self.returning.entry(function).or_default();
        if function == self.owner || !join(known, results) {
            return;
        }
        if self.program.address_taken.contains(&self.program[function].entry) {
            self.escaped = self.escaped.or(Some(self.program.blocks[block].start));
        }
        self.work.extend(self.flow.callers(function).map(|caller| self.program.blocks[caller].function));
    }

    /// What `callee` may return of it.
    fn returned_by(&self, callee: Callee<'_>) -> Held {
        let mut returned = Held::new();
        for known in callee.known().filter_map(|target| self.returning.get(&target)) {
            join(&mut returned, known.iter());
        }
        returned
    }

    /// Pointers to `places` are stored by `function`.
    fn store(
        &mut self,
        function: FunctionId,
        at: u64,
        instruction: &Instruction,
        state: &State<'a>,
        places: &BTreeSet<i64>,
    ) {
        if store_size(instruction.op).is_none() && !is_atomic_write(instruction.op) || places.is_empty() {
            return;
        }
        match state.address(instruction, self.program.code.arena) {
            // In the own frame of another function they are followed.
            Value::Stack(offset)
                if instruction.op == Op::Sd && function != self.owner && !self.cells.escapes(function, offset) => {}
            Value::Constant(variable) if instruction.op == Op::Sd && self.cells.may_alias(variable).is_none() => {
                if extend(self.variables.entry(variable).or_default(), places) {
                    self.work.extend(self.cells.users(variable));
                }
            }
            // Downwards it is followed as far as it is seen.
            _ if !self.leads_to_slot(places) => {}
            _ => self.escaped = self.escaped.or(Some(at)),
        }
    }

    /// Whether pointers to `places` lead to the slot if they are moved upwards; how far downwards is only seen where it is known.
    fn leads_to_slot(&self, places: &BTreeSet<i64>) -> bool {
        places.first().is_some_and(|&lowest| lowest < self.wanted.end)
    }

    /// Follows the pointers through one function to a fixed point.
    fn follow(&mut self, id: FunctionId) {
        let program = self.program;
        let mut at_start: BTreeMap<BlockId, Held> = BTreeMap::new();
        let mut slots: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
        let mut pending: BTreeSet<BlockId> = program[id].blocks.iter().copied().collect();
        if let Some(first) = program.first_block(id) {
            at_start.insert(first, self.at_entry.get(&id).cloned().unwrap_or_default());
        }
        while let Some(block) = pending.pop_first() {
            let mut held = at_start.get(&block).cloned().unwrap_or_default();
            let mut is_new_slot = false;
            let after = program.blocks.visit(block, &program.code, |at, instruction, state| {
                is_new_slot |= self.step((block, at), instruction, state, &mut held, &mut slots);
            });
            self.hand_on(block, &held);
            let exit = &program.blocks[block].exit;
            let outgoing = |&offset: &i64| !matches!(after.get(Register::SP), Value::Stack(sp) if offset < sp);
            let mut targets = exit.callees().flat_map(|callee| callee.known());
            let leads = |(offset, places): (&i64, &BTreeSet<i64>)| outgoing(offset) && self.leads_to_slot(places);
            if slots.iter().any(leads) && targets.any(|target| reads_stack_arguments(program, target)) {
                self.escaped = self.escaped.or(Some(program.blocks[block].start));
            }
            if exit.returns() {
                self.hand_back(id, block, &held);
            }
            if let Some(tail) = exit.tail() {
                self.hand_back(id, block, &self.returned_by(tail));
            }
            if let Some(callee) = exit.call() {
                held.retain(|&register, _| preserved(program.convention).contains(register));
                join(&mut held, self.returned_by(callee).iter());
            }
            if held.values().any(|places| places.len() > PLACES_LIMIT && self.leads_to_slot(places)) {
                self.escaped = self.escaped.or(Some(program.blocks[block].start));
            }
            for next in exit.successors() {
                if join(at_start.entry(next).or_default(), held.iter()) {
                    pending.insert(next);
                }
            }
            if is_new_slot {
                pending.extend(&program[id].blocks);
            }
        }
    }

    /// What the registers hold behind an instruction; whether `slots` of the function's own frame hold more than before.
    fn step(
        &mut self,
        (block, at): (BlockId, u64),
        instruction: &Instruction,
        state: &State<'a>,
        held: &mut Held,
        slots: &mut BTreeMap<i64, BTreeSet<i64>>,
    ) -> bool {
        let address = state.address(instruction, self.program.code.arena);
        if let Some(places) = held.get(&instruction.rs2()) {
            self.store(self.program.blocks[block].function, at, instruction, state, places);
        }
        if let Some(size) = stored_bytes(instruction) {
            let displacement = if is_atomic_write(instruction.op) { 0 } else { instruction.immediate };
            for &place in held.get(&instruction.rs1()).into_iter().flatten() {
                let place = place.wrapping_add(displacement.into());
                self.writes.extend(self.write((block, at), instruction, place, size));
            }
            if let (Value::Stack(offset), Op::Sd, Some(kept)) = (address, instruction.op, held.get(&instruction.rs2()))
            {
                return extend(slots.entry(offset).or_default(), kept);
            }
        }
        if self.loads_part(instruction, address, slots) {
            self.escaped = self.escaped.or(Some(at));
        }
        let result = match (instruction.op, address) {
            (Op::Ld, Value::Stack(offset)) => slots.get(&offset).cloned(),
            (Op::Ld, Value::Constant(_) | Value::Set(_)) => {
                let variables = address.constants().unwrap_or_default().iter();
                let found = variables.filter_map(|variable| self.variables.get(variable));
                found.cloned().reduce(|mut all, places| {
                    extend(&mut all, &places);
                    all
                })
            }
            (op, _) if load_size(op).is_some() => None,
            (Op::Addi, _) => moved(held.get(&instruction.rs1()), instruction.immediate.into()),
            (Op::Add | Op::Sub, _) => sum(instruction, state, held),
            _ => None,
        };
        if instruction.op == Op::Ecall {
            // The kernel's answer.
            held.remove(&Register::A0);
        }
        let effects = instruction.effects();
        // No pointer comes of a comparison, nor of 32 bits: an `int` that a function returned.
        let makes_number = matches!(
            instruction.op,
            Op::Slt | Op::Sltu | Op::Slti | Op::Sltiu | Op::Addiw | Op::Addw | Op::Subw | Op::Slliw | Op::Sllw
        );
        let calculates = result.is_none()
            && !makes_number
            && effects.flow == ControlFlow::Next
            && !matches!(instruction.op, Op::LrW | Op::LrD)
            && load_size(instruction.op).or(stored_bytes(instruction)).is_none()
            && effects.uses.iter().filter_map(|used| held.get(&used)).any(|places| self.leads_to_slot(places));
        if calculates {
            self.escaped = self.escaped.or(Some(at));
        }
        for register in effects.defines.iter() {
            held.remove(&register);
            held.extend(result.clone().map(|places| (register, places)));
        }
        false
    }
}

impl Handed<'_, '_> {
    /// Whether the instruction loads a pointer that lies at `address` other than as a whole into an integer register.
    fn loads_part(&self, instruction: &Instruction, address: Value<'_>, slots: &BTreeMap<i64, BTreeSet<i64>>) -> bool {
        if load_size(instruction.op).is_none() && !is_float_access(instruction.op) {
            return false;
        }
        let is_whole = instruction.op == Op::Ld;
        match address {
            Value::Stack(at) => {
                slots.range(at.saturating_sub(7)..at.saturating_add(8)).any(|(&slot, _)| !is_whole || slot != at)
            }
            _ => address.constants().unwrap_or_default().iter().any(|&at| {
                let near = self.variables.range(at.saturating_sub(7)..at.saturating_add(8));
                near.into_iter().any(|(&variable, _)| !is_whole || variable != at)
            }),
        }
    }

    /// The store of `size` bytes to `start` in the frame, if it writes some of the slot.
    fn write(&self, (block, at): (BlockId, u64), instruction: &Instruction, start: i64, size: u64) -> Option<Write> {
        let end = start.saturating_add(size as i64);
        let is_whole = start <= self.wanted.start && self.wanted.end <= end && store_size(instruction.op).is_some();
        let touches = start < self.wanted.end && self.wanted.start < end;
        let register = || (instruction.rs2(), 8 * self.wanted.start.abs_diff(start));
        touches.then(|| Write { block, at, register: is_whole.then(register) })
    }
}

/// What an addition makes of a pointer and a number that is known.
fn sum(instruction: &Instruction, state: &State<'_>, held: &Held) -> Option<BTreeSet<i64>> {
    let (left, right) = (instruction.rs1(), instruction.rs2());
    let number = |register| state.get(register).constant().map(|number| number as i64);
    match instruction.op {
        Op::Sub => moved(held.get(&left), number(right)?.wrapping_neg()),
        _ if held.contains_key(&left) => moved(held.get(&left), number(right)?),
        _ => moved(held.get(&right), number(left)?),
    }
}

fn moved(places: Option<&BTreeSet<i64>>, bytes: i64) -> Option<BTreeSet<i64>> {
    Some(places?.iter().map(|place| place.wrapping_add(bytes)).collect())
}

/// Adds the pointers of `others`; whether there were new ones.
fn join<'o>(held: &mut Held, others: impl Iterator<Item = (&'o Register, &'o BTreeSet<i64>)>) -> bool {
    let mut news = false;
    for (&register, places) in others {
        news |= extend(held.entry(register).or_default(), places);
    }
    news
}

fn extend(places: &mut BTreeSet<i64>, others: &BTreeSet<i64>) -> bool {
    let before = places.len();
    for &place in others {
        if places.len() <= PLACES_LIMIT {
            places.insert(place);
        }
    }
    places.len() != before
}
