//! The registers at one place of a function, and how one instruction changes them.

use bumpalo::Bump;

use super::code::{Code, load_size};
use super::value::{Read, Table, Value, evaluate, immediate_operand};
use crate::isa::{Instruction, Op, Register, RegisterSet};

/// What is known of every integer register.
#[derive(Clone, Debug)]
pub(super) struct State<'v> {
    /// The registers of which something is known.
    known: RegisterSet,
    /// Meaningful where known.
    registers: [Value<'v>; 32],
}

/// A [`State`] at rest: only the registers of which something is known.
#[derive(Clone, Debug)]
pub(super) struct Snapshot<'v> {
    known: RegisterSet,
    values: Box<[Value<'v>]>,
}

impl<'v> Snapshot<'v> {
    /// Packs `state`.
    pub fn of(state: &State<'v>) -> Snapshot<'v> {
        Snapshot { known: state.known, values: state.known.iter().map(|register| state.get(register)).collect() }
    }

    /// Unpacks it.
    pub fn state(&self) -> State<'v> {
        let mut state = State::unknown();
        for (register, &value) in self.known.iter().zip(&self.values) {
            state.set(register, value);
        }
        state
    }
}

/// Which registers a function must hand back unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Convention {
    /// psABI: sp and s0–s11.
    Standard,
    /// Go: only sp (and x27, which holds the goroutine).
    Go,
}

impl<'v> State<'v> {
    /// Nothing is known.
    pub const fn unknown() -> State<'v> {
        State { known: RegisterSet::EMPTY, registers: [Value::Any; 32] }
    }

    /// At function entry: only the stack pointer (by definition) and the global pointer have known values.
    pub fn at_entry(global_pointer: Option<u64>) -> State<'v> {
        let mut state = State::unknown();
        state.set(Register::SP, Value::Stack(0));
        if let Some(address) = global_pointer {
            state.set(Register::GP, Value::Constant(address));
        }
        state
    }

    /// The registers of which something is known.
    pub fn known(&self) -> RegisterSet {
        self.known
    }

    /// The value of `register`.
    pub fn get(&self, register: Register) -> Value<'v> {
        match register {
            Register::ZERO => Value::Constant(0),
            _ if self.known.contains(register) => self.registers[usize::from(register.number())],
            _ => Value::Any,
        }
    }

    /// Replaces the value of `register`; x0 keeps reading as zero.
    pub fn set(&mut self, register: Register, value: Value<'v>) {
        if value == Value::Any || register == Register::ZERO {
            self.known = self.known.without(register);
        } else {
            self.known = self.known.with(register);
            self.registers[usize::from(register.number())] = value;
        }
    }

    /// Nothing is known any more.
    pub fn forget(&mut self) {
        self.known = RegisterSet::EMPTY;
    }

    /// The address that a load, store or `jalr` computes: rs1 plus immediate.
    pub fn address(&self, instruction: &Instruction, arena: &'v Bump) -> Value<'v> {
        let displacement = i64::from(instruction.immediate);
        match self.get(instruction.rs1()) {
            Value::Any => Value::Any,
            Value::Stack(offset) => Value::Stack(offset.wrapping_add(displacement)),
            base => evaluate(Op::Addi, base, Value::Constant(displacement as u64), arena),
        }
    }

    /// What `instruction` at `at` leaves in its destination; `None` if it writes no integer register.
    pub fn result(&self, instruction: &Instruction, at: u64, code: &Code<'v>) -> Option<Value<'v>> {
        if !instruction.writes_integer_register() {
            return None;
        }
        let immediate = i64::from(instruction.immediate);
        Some(match instruction.op {
            Op::Lui => Value::Constant(immediate as u64),
            Op::Auipc => Value::Constant(at.wrapping_add_signed(immediate)),
            Op::Jal | Op::Jalr => Value::Constant(at.wrapping_add(instruction.length.into())),
            op if load_size(op).is_some() => match self.address(instruction, code.arena) {
                Value::Constant(address) => code.constant_load(op, address).map_or(Value::Any, Value::Constant),
                Value::Element(table) => Value::Loaded(code.arena.alloc(Read { table: *table, load: op })),
                _ => Value::Any,
            },
            op => {
                let second =
                    immediate_operand(instruction).map_or_else(|| self.get(instruction.rs2()), Value::Constant);
                evaluate(op, self.get(instruction.rs1()), second, code.arena)
            }
        })
    }

    /// Applies an instruction that does not jump.
    pub fn step(&mut self, instruction: &Instruction, at: u64, code: &Code<'v>) {
        if instruction.op == Op::Ecall {
            // Linux changes a0 only (psABI, "Linux system call interface").
            self.set(Register::A0, Value::Any);
        } else if let Some(value) = self.result(instruction, at, code) {
            self.set(instruction.rd(), value);
        }
    }

    /// Forgets what a callee may change.
    pub fn after_call(&mut self, convention: Convention) {
        self.known = self.known.intersection(preserved(convention));
    }

    /// The edge on which `left < bound` (unsigned) holds.
    pub fn refine_below(&mut self, left: Register, bound: u64) {
        if let Ok(bound) = u32::try_from(bound) {
            match self.get(left) {
                Value::Any => self.set(left, Value::Below(bound)),
                Value::Below(known) => self.set(left, Value::Below(known.min(bound))),
                _ => {}
            }
        }
    }
}

/// What a callee hands back unchanged (psABI, "Integer Register Convention"; Go's ABI preserves next to nothing).
pub(super) const fn preserved(convention: Convention) -> RegisterSet {
    let mut kept = RegisterSet::EMPTY;
    let mut number = 1;
    while number < 32 {
        let register = Register::new(number);
        let keeps = match convention {
            Convention::Standard => register.is_callee_saved(),
            Convention::Go => matches!(number, 2..=4 | 27),
        };
        if keeps {
            kept = kept.with(register);
        }
        number += 1;
    }
    kept
}

/// The targets that a jump through `value` can have by its table, read from constant memory; `None` if `value` is no
/// table access or an element is no code. Without a bound from an index check the
/// table is read up to the first element that `plausible` does not accept: a real element is always plausible, so this can only be too much.
pub(super) fn table_targets(
    value: Value<'_>,
    code: &Code<'_>,
    plausible: impl Fn(u64) -> bool,
) -> Option<(Table, Vec<u64>)> {
    /// No compiler emits longer ones; bounds the work on hostile files.
    const LONGEST: u32 = 1 << 14;
    let (base, read) = match value {
        Value::Loaded(read) => (0, *read),
        Value::Displaced(displaced) => (displaced.base, displaced.read),
        _ => return None,
    };
    let table = read.table;
    if table.scale.count.is_some_and(|count| count > LONGEST) {
        return None;
    }
    let stride = 1u64.checked_shl(table.scale.shift.into())?;
    let mut targets = Vec::new();
    for index in 0..table.scale.count.unwrap_or(LONGEST).min(LONGEST) {
        let target = code
            .constant_load(read.load, table.base.wrapping_add(stride.wrapping_mul(index.into())))
            .map(|element| base.wrapping_add(element))
            .filter(|&target| code.contains(target) && (table.scale.count.is_some() || plausible(target)));
        match (target, table.scale.count) {
            (Some(target), _) => targets.push(target),
            (None, Some(_)) => return None,
            (None, None) => break,
        }
    }
    let count = Some(targets.len() as u32);
    targets.sort_unstable();
    targets.dedup();
    (!targets.is_empty()).then_some((Table { scale: super::value::Scale { count, ..table.scale }, ..table }, targets))
}
