//! Where a function's address goes: if every use of it is seen, the calls through it are known, and a parameter of the
//! function has known sources although its address is taken (musl's `do_setxid`, handed to `__synccall`).

use std::collections::{BTreeMap, BTreeSet};

use super::blocks::Block;
use super::call_tables::Access;
use super::cells::{Cells, is_atomic_write, is_float_access};
use super::code::{load_size, store_size};
use super::exit::{BlockId, Callee, FunctionId};
use super::flow::Flow;
use super::liveness::Liveness;
use super::program::Program;
use super::state::{State, preserved};
use super::value::{Value, compute};
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet};

/// Functions looked at for one address; beyond that it counts as lost.
const WORK_LIMIT: usize = 2_000;
/// The same for functions that make one address or call by a table with it: there may be as many addresses as functions.
const HOLDERS_LIMIT: usize = 256;

/// One address on its way.
struct Tracker<'t, 'a> {
    program: &'t Program<'a>,
    flow: &'t Flow,
    cells: &'t Cells<'t, 'a>,
    liveness: &'t Liveness<'t, 'a>,
    target: u64,
    /// Registers that can hold the address at function entry.
    at_entry: BTreeMap<FunctionId, RegisterSet>,
    slots: BTreeSet<(FunctionId, i64)>,
    memory: BTreeSet<u64>,
    /// Functions that can return it, and in which of a0 and a1.
    returning: BTreeMap<FunctionId, RegisterSet>,
    callers: BTreeSet<BlockId>,
    work: BTreeSet<FunctionId>,
}

/// The address of a use after which the function's address can be anywhere.
pub(super) struct Escapes(pub u64);

/// The blocks that end in a call or jump through a pointer to the function at `target`.
///
/// # Errors
/// The pointer gets out of sight, or data holds it.
pub(super) fn pointer_callers<'t, 'a>(
    program: &'t Program<'a>,
    flow: &'t Flow,
    cells: &'t Cells<'t, 'a>,
    liveness: &'t Liveness<'t, 'a>,
    target: u64,
) -> Result<BTreeSet<BlockId>, Escapes> {
    match program.holders_in_data(target).next() {
        Some(holder) => Err(Escapes(holder.0)),
        None => track(program, flow, cells, liveness, target),
    }
}

/// The same where variables may hold the pointer that are only ever used by their number.
///
/// # Errors
/// The pointer gets out of sight, or other data holds it.
pub(super) fn pointer_callers_by_variable<'t, 'a>(
    program: &'t Program<'a>,
    flow: &'t Flow,
    cells: &'t Cells<'t, 'a>,
    liveness: &'t Liveness<'t, 'a>,
    target: u64,
) -> Result<BTreeSet<BlockId>, Escapes> {
    match program.holders_in_data(target).find(|holder| !cells.is_alone(holder.0)) {
        Some(holder) => Err(Escapes(holder.0)),
        None => track(program, flow, cells, liveness, target),
    }
}

fn track<'t, 'a>(
    program: &'t Program<'a>,
    flow: &'t Flow,
    cells: &'t Cells<'t, 'a>,
    liveness: &'t Liveness<'t, 'a>,
    target: u64,
) -> Result<BTreeSet<BlockId>, Escapes> {
    let memory: BTreeSet<u64> = program.holders_in_data(target).map(|holder| holder.0).collect();
    let users = memory.iter().flat_map(|&holder| cells.users(holder));
    let makers = program.function_ids().filter(|&id| program[id].code_references.contains(&target));
    let holders = makers.chain(program.call_tables().users_of(target));
    let holders: BTreeSet<FunctionId> = holders.take(HOLDERS_LIMIT + 1).collect();
    if holders.len() > HOLDERS_LIMIT {
        return Err(Escapes(target));
    }
    if let Some(&unclear) = holders.iter().find(|&&holder| makes_unseen(program, holder, target)) {
        return Err(Escapes(program[unclear].entry));
    }
    let mut tracker = Tracker {
        program,
        flow,
        cells,
        liveness,
        target,
        at_entry: BTreeMap::new(),
        slots: BTreeSet::new(),
        returning: BTreeMap::new(),
        callers: BTreeSet::new(),
        work: holders.into_iter().chain(users).collect(),
        memory,
    };
    for _ in 0..WORK_LIMIT {
        let Some(function) = tracker.work.pop_first() else { return Ok(tracker.callers) };
        tracker.follow(function)?;
    }
    Err(Escapes(target))
}

/// Whether `function` may make the address `target` where nothing tells: it was seen to when less was known, no instruction does
/// by what is known now, and it calculates with an address of code that met other values where paths join.
fn makes_unseen(program: &Program<'_>, function: FunctionId, target: u64) -> bool {
    let references = &program[function].code_references;
    if !references.contains(&target) || program.is_swept(function) {
        return false;
    }
    let code = &program.code;
    let (mut is_made, mut calculates) = (false, false);
    let mut at_start: BTreeMap<BlockId, RegisterSet> = BTreeMap::new();
    let mut pending: BTreeSet<BlockId> = program[function].blocks.iter().copied().collect();
    while let Some(block) = pending.pop_first() {
        // The registers that may hold any address of code that the function makes.
        let mut held = at_start.get(&block).copied().unwrap_or_default();
        program.blocks.visit(block, code, |at, instruction, state| {
            let result = state.result(instruction, at, code);
            let constants = result.as_ref().and_then(Value::constants).unwrap_or_default();
            is_made |= constants.contains(&target);
            let (effects, copied) = (instruction.effects(), instruction.copied_register());
            let computes =
                compute(instruction.op, 1, 1).is_some() && copied.is_none() && !is_comparison(instruction.op);
            calculates |= computes && constants.is_empty() && !effects.uses.intersection(held).is_empty();
            let holds = copied.is_some_and(|copied| held.contains(copied))
                || constants.iter().any(|constant| references.contains(constant));
            held = held.minus(effects.defines);
            held = if holds { held.with(instruction.rd()).without(Register::ZERO) } else { held };
        });
        let exit = &program.blocks[block].exit;
        if exit.call().is_some() {
            held = held.intersection(preserved(program.convention));
        }
        for next in exit.successors() {
            let known = at_start.entry(next).or_default();
            if known.union(held) != *known {
                *known = known.union(held);
                pending.insert(next);
            }
        }
    }
    calculates && !is_made
}

/// Whether `op` says of two numbers which one is less.
pub(super) fn is_comparison(op: Op) -> bool {
    matches!(op, Op::Slt | Op::Sltu | Op::Slti | Op::Sltiu)
}

impl<'a> Tracker<'_, 'a> {
    /// Follows the address through one function to a fixed point.
    fn follow(&mut self, id: FunctionId) -> Result<(), Escapes> {
        let program = self.program;
        if program.is_swept(id) {
            // What it does with the address is not known yet, but the others are to be asked at once.
            return Ok(());
        }
        if let Some(&jump) = program[id].unbounded_jumps.first() {
            // Every path may come from there, with what no path was seen to hold.
            return Err(Escapes(jump));
        }
        let mut at_start: BTreeMap<BlockId, RegisterSet> = BTreeMap::new();
        let mut pending: BTreeSet<BlockId> = program[id].blocks.iter().copied().collect();
        if let Some(first) = program.first_block(id) {
            at_start.insert(first, self.at_entry.get(&id).copied().unwrap_or_default());
        }
        while let Some(block) = pending.pop_first() {
            let slots_before = self.slots.len();
            let mut held = Ok(at_start.get(&block).copied().unwrap_or_default());
            let mut last = None;
            program.blocks.visit(block, &program.code, |at, instruction, state| {
                if let Ok(registers) = held {
                    held = self.step(id, registers, at, instruction, state);
                    last = Some((*instruction, state.clone()));
                }
            });
            let mut held = held?;
            let Block { exit, start, .. } = &program.blocks[block];
            if let Some(callee) = exit.call() {
                let (instruction, state) = last.as_ref().ok_or(Escapes(*start))?;
                let passed = held.minus(preserved(program.convention));
                self.pass(block, callee, (held, passed), instruction, state)?;
                held = held.minus(passed).union(self.returned_by(callee));
            }
            if let Some(callee) = exit.tail() {
                let (instruction, state) = last.as_ref().ok_or(Escapes(*start))?;
                self.pass(block, callee, (held, held), instruction, state)?;
                self.hand_back(id, self.returned_by(callee))?;
            }
            if exit.returns() {
                self.hand_back(id, held)?;
            }
            for next in exit.successors() {
                let known = at_start.entry(next).or_default();
                if known.union(held) != *known {
                    *known = known.union(held);
                    pending.insert(next);
                }
            }
            if self.slots.len() != slots_before {
                pending.extend(&program[id].blocks);
            }
        }
        Ok(())
    }

    /// The registers that hold the address after `instruction`.
    fn step(
        &mut self,
        function: FunctionId,
        held: RegisterSet,
        at: u64,
        instruction: &Instruction,
        state: &State<'a>,
    ) -> Result<RegisterSet, Escapes> {
        let effects = instruction.effects();
        let rest = held.minus(effects.defines);
        let has = |register| held.contains(register);
        if instruction.op == Op::Ecall {
            let arguments = (10..=15).map(Register::new);
            return if arguments.into_iter().any(has) { Err(Escapes(at)) } else { Ok(held) };
        }
        let result = state.result(instruction, at, &self.program.code);
        if result.and_then(Access::of).is_some_and(|access| self.program.call_tables().leads_to(access, self.target)) {
            return Ok(rest.with(instruction.rd()));
        }
        if result.and_then(|value| value.constants().map(|all| all.contains(&self.target))).unwrap_or(false) {
            // A plain jump leaves its link nowhere.
            return Ok(rest.with(instruction.rd()).without(Register::ZERO));
        }
        if store_size(instruction.op).is_some() || is_atomic_write(instruction.op) {
            if has(instruction.rs2()) {
                self.stored(function, at, instruction, state)?;
            }
            return Ok(rest);
        }
        if load_size(instruction.op).is_some() {
            let loads = match state.address(instruction, self.program.code.arena) {
                Value::Stack(offset) => self.slots.contains(&(function, offset)),
                address => address.constants().unwrap_or_default().iter().any(|at| self.memory.contains(at)),
            };
            return Ok(if loads { rest.with(instruction.rd()) } else { rest });
        }
        if is_float_access(instruction.op) {
            let keeps = match state.address(instruction, self.program.code.arena) {
                Value::Stack(offset) => self.slots.contains(&(function, offset)),
                address => address.constants().unwrap_or_default().iter().any(|at| self.memory.contains(at)),
            };
            if keeps {
                return Err(Escapes(at));
            }
        }
        let used = effects.uses.iter().any(has);
        match instruction.op {
            _ if !used => Ok(rest),
            _ if instruction.copied_register().is_some() => Ok(rest.with(instruction.rd())),
            // Comparing it or calling it gives nothing away; calls are looked at where the block ends.
            Op::Jalr => Ok(rest),
            op if is_comparison(op) => Ok(rest),
            _ if matches!(effects.flow, ControlFlow::Branch(_)) => Ok(rest),
            _ => Err(Escapes(at)),
        }
    }

    fn stored(
        &mut self,
        function: FunctionId,
        at: u64,
        instruction: &Instruction,
        state: &State<'a>,
    ) -> Result<(), Escapes> {
        match state.address(instruction, self.program.code.arena) {
            Value::Stack(offset) if instruction.op == Op::Sd && !self.cells.escapes(function, offset) => {
                self.slots.insert((function, offset));
                Ok(())
            }
            Value::Constant(address) if instruction.op == Op::Sd && self.cells.may_alias(address).is_none() => {
                if self.memory.insert(address) {
                    self.work.extend(self.cells.users(address));
                }
                Ok(())
            }
            _ => Err(Escapes(at)),
        }
    }

    /// The call or jump that ends `block` goes to the address if that is in a register `held`, and takes it along in
    /// those `passed`.
    fn pass(
        &mut self,
        block: BlockId,
        callee: Callee<'_>,
        (held, passed): (RegisterSet, RegisterSet),
        instruction: &Instruction,
        state: &State<'a>,
    ) -> Result<(), Escapes> {
        let (function, start) = (self.program.blocks[block].function, self.program.blocks[block].start);
        if callee.unknown {
            if held.contains(instruction.rs1()) && instruction.op == Op::Jalr {
                self.callers.insert(block);
            }
            let goes_along =
                (10..=17).map(Register::new).any(|register| held.contains(register) && register != instruction.rs1());
            if goes_along {
                return Err(Escapes(start));
            }
        }
        let outgoing = |&(owner, offset): &(FunctionId, i64)| match state.get(Register::SP) {
            Value::Stack(sp) => owner == function && offset >= sp,
            _ => true,
        };
        let on_stack = self.slots.iter().any(outgoing);
        if on_stack && callee.unknown {
            return Err(Escapes(start));
        }
        for target in callee.known() {
            if on_stack && reads_stack_arguments(self.program, target) {
                return Err(Escapes(start));
            }
            let read = self.liveness.at_entry(target);
            let passed = passed.minus(passed.minus(read));
            let known = self.at_entry.entry(target).or_default();
            if known.union(passed) != *known {
                *known = known.union(passed);
                self.work.insert(target);
            }
        }
        Ok(())
    }

    /// `function` may return the address to its callers, as far as `held` are result registers.
    fn hand_back(&mut self, function: FunctionId, held: RegisterSet) -> Result<(), Escapes> {
        let results = RegisterSet::of(&[Register::A0, Register::new(11)]);
        let handed = held.minus(held.minus(results));
        let known = self.returning.get(&function).copied().unwrap_or_default();
        if known.union(handed) == known {
            return Ok(());
        }
        let entry = self.program[function].entry;
        if self.program.address_taken.contains(&entry) {
            return Err(Escapes(entry));
        }
        self.returning.insert(function, known.union(handed));
        self.work.extend(self.flow.callers(function).map(|caller| self.program.blocks[caller].function));
        Ok(())
    }

    fn returned_by(&self, callee: Callee<'_>) -> RegisterSet {
        let sets = callee.known().filter_map(|target| self.returning.get(&target));
        sets.fold(RegisterSet::EMPTY, |all, &set| all.union(set))
    }
}

/// Whether `function`, or what it jumps to, may read arguments from the stack.
pub(super) fn reads_stack_arguments(program: &Program<'_>, function: FunctionId) -> bool {
    let (mut seen, mut work) = (BTreeSet::from([function]), vec![function]);
    while let Some(function) = work.pop() {
        for &block in &program[function].blocks {
            let mut reads = false;
            program.blocks.visit(block, &program.code, |at, instruction, state| {
                reads |= load_size(instruction.op).is_some()
                    && matches!(state.address(instruction, program.code.arena), Value::Stack(offset) if offset >= 0);
                // Variadic functions put registers below what is on the stack, and go through both by a pointer.
                let result = state.result(instruction, at, &program.code);
                reads |= matches!(result, Some(Value::Stack(offset)) if offset >= -64)
                    && !matches!(instruction.rd(), Register::SP | Register::S0);
            });
            // What it jumps to at its end finds the same arguments.
            let tail = program.blocks[block].exit.tail();
            if reads || tail.is_some_and(|tail| tail.unknown || tail.is_nowhere()) {
                return true;
            }
            work.extend(tail.into_iter().flat_map(|tail| tail.known()).filter(|&target| seen.insert(target)));
        }
    }
    false
}
