//! The registers at one place of a function, and how one instruction changes them.

use super::code::{Code, load_size};
use super::value::{Table, Value, evaluate, immediate_operand};
use crate::isa::{Instruction, Op, Register};

/// What is known of every integer register.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct State {
    registers: [Value; 32],
}

/// A [`State`] at rest: only the registers of which something is known.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Snapshot(Box<[(u8, Value)]>);

/// Which registers a function must hand back unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Convention {
    /// psABI: sp and s0–s11.
    Standard,
    /// Go: only sp (and x27, which holds the goroutine).
    Go,
}

impl State {
    /// At function entry: only the stack pointer (by definition) and the global pointer have known values.
    pub fn at_entry(global_pointer: Option<u64>) -> State {
        let mut state = State { registers: [const { Value::Any }; 32] };
        state.set(Register::SP, Value::Stack(0));
        if let Some(address) = global_pointer {
            state.set(Register::GP, Value::Constant(address));
        }
        state
    }

    /// Nothing is known.
    pub fn unknown() -> State {
        State { registers: [const { Value::Any }; 32] }
    }

    /// The value of `register`.
    pub fn get(&self, register: Register) -> Value {
        match register {
            Register::ZERO => Value::Constant(0),
            _ => self.registers[usize::from(register.number())].clone(),
        }
    }

    /// The value of `register`, which must not be x0 (nothing is ever stored for it).
    pub fn value(&self, register: Register) -> &Value {
        &self.registers[usize::from(register.number())]
    }

    /// Replaces the value of `register`; x0 keeps reading as zero.
    pub fn set(&mut self, register: Register, value: Value) {
        if register != Register::ZERO {
            self.registers[usize::from(register.number())] = value;
        }
    }

    /// The address that a load, store or `jalr` computes: rs1 plus immediate.
    pub fn address(&self, instruction: &Instruction) -> Value {
        evaluate(Op::Addi, &self.get(instruction.rs1()), &Value::Constant(i64::from(instruction.immediate) as u64))
    }

    /// What `instruction` at `at` leaves in its destination; `None` if it writes no integer register.
    pub fn result(&self, instruction: &Instruction, at: u64, code: &Code<'_>) -> Option<Value> {
        if !instruction.writes_integer_register() {
            return None;
        }
        let immediate = i64::from(instruction.immediate);
        Some(match instruction.op {
            Op::Lui => Value::Constant(immediate as u64),
            Op::Auipc => Value::Constant(at.wrapping_add_signed(immediate)),
            Op::Jal | Op::Jalr => Value::Constant(at.wrapping_add(instruction.length.into())),
            op if load_size(op).is_some() => match self.address(instruction) {
                Value::Constant(address) => code.constant_load(op, address).map_or(Value::Any, Value::Constant),
                Value::Element(table) => Value::Loaded(table, op),
                _ => Value::Any,
            },
            op => {
                let second =
                    immediate_operand(instruction).map_or_else(|| self.get(instruction.rs2()), Value::Constant);
                evaluate(op, &self.get(instruction.rs1()), &second)
            }
        })
    }

    /// Forgets what a callee may change.
    pub fn after_call(&mut self, convention: Convention) {
        for number in 1..32 {
            let register = Register::new(number);
            let kept = match convention {
                Convention::Standard => register.is_callee_saved(),
                Convention::Go => matches!(number, 2..=4 | 27),
            };
            if !kept {
                self.set(register, Value::Any);
            }
        }
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

    /// The same, packed.
    pub fn snapshot(&self) -> Snapshot {
        let known = self.registers.iter().enumerate().filter(|(_, value)| **value != Value::Any);
        Snapshot(known.map(|(number, value)| (number as u8, value.clone())).collect())
    }

    /// Joins `other` into `self`; whether that lost anything. With `widen`, what differs is lost at once.
    pub fn join(&mut self, other: &State, widen: bool) -> bool {
        let mut changed = false;
        for (mine, theirs) in self.registers.iter_mut().zip(&other.registers) {
            if mine != theirs && *mine != Value::Any {
                let joined = if widen { Value::Any } else { mine.join(theirs) };
                changed |= joined != *mine;
                *mine = joined;
            }
        }
        changed
    }
}

impl Snapshot {
    /// Unpacks it.
    pub fn state(&self) -> State {
        let mut state = State { registers: [const { Value::Any }; 32] };
        for (number, value) in &self.0 {
            state.registers[usize::from(*number)] = value.clone();
        }
        state
    }
}

/// The targets that a jump through `value` can have by its table, read from constant memory; `None` if `value` is no
/// table access or an element is not an address that `plausible` accepts. Without a bound from an index check the
/// table is read up to its first implausible element: a real element is always plausible, so this can only be too much.
pub(super) fn table_targets(
    value: &Value,
    code: &Code<'_>,
    plausible: impl Fn(u64) -> bool,
) -> Option<(Table, Vec<u64>)> {
    /// No compiler emits longer ones; bounds the work on hostile files.
    const LONGEST: u32 = 1 << 14;
    let (base, table, load) = match value {
        Value::Loaded(table, load) => (0, *table, *load),
        Value::Displaced(base, table, load) => (*base, *table, *load),
        _ => return None,
    };
    let stride = 1u64.checked_shl(table.scale.shift.into())?;
    let mut targets = Vec::new();
    for index in 0..table.scale.count.unwrap_or(LONGEST).min(LONGEST) {
        let target = code
            .constant_load(load, table.base.wrapping_add(stride.wrapping_mul(index.into())))
            .map(|element| base.wrapping_add(element))
            .filter(|&target| plausible(target));
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
