//! The registers at one place of a function, and how one instruction changes them.

use std::collections::BTreeSet;

use super::arena::Arena;
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
    /// The last register that was copied, or sign-extended as a word, with where from, while both keep their values.
    copy: Option<(Register, Register)>,
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
        State { known: RegisterSet::EMPTY, registers: [Value::Any; 32], copy: None }
    }

    /// At function entry: only the stack pointer (by definition) and the global pointer have known values.
    pub fn at_entry(global_pointers: Option<&BTreeSet<u64>>, arena: &'v Arena<'v>) -> State<'v> {
        let mut state = State::unknown();
        state.set(Register::SP, Value::Stack(0));
        let global_pointers = global_pointers.into_iter().flatten().copied().collect();
        state.set(Register::GP, Value::of(global_pointers, arena));
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
        if self.copy.is_some_and(|(copy, source)| register == copy || register == source) {
            self.copy = None;
        }
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
        self.copy = None;
    }

    /// The address that a load, store or `jalr` computes: rs1 plus immediate.
    pub fn address(&self, instruction: &Instruction, arena: &'v Arena<'v>) -> Value<'v> {
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
                Value::Element(table) => Value::Loaded(code.arena.keep(Read { table: *table, load: op })),
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
            self.apply(instruction, value);
        }
    }

    /// `instruction` leaves `value` in its destination.
    pub fn apply(&mut self, instruction: &Instruction, value: Value<'v>) {
        let rd = instruction.rd();
        self.set(rd, value);
        let extends = instruction.op == Op::Addiw && instruction.immediate == 0;
        let copied = instruction.copied_register().or(extends.then_some(instruction.rs1()));
        self.copy = copied
            .filter(|&copied| copied != rd && rd != Register::ZERO && copied != Register::ZERO)
            .map(|copied| (rd, copied))
            .or(self.copy);
    }

    /// Forgets what a callee may change, `broken` registers among it that it should not.
    pub fn after_call(&mut self, convention: Convention, broken: RegisterSet) {
        self.known = self.known.intersection(preserved(convention)).minus(broken);
        self.copy = None;
    }

    /// What holds besides on one way out of a branch: it was `taken` or not.
    pub fn refine(&mut self, branch: &Instruction, taken: bool) {
        let less = match branch.op {
            Op::Bltu => taken,
            Op::Bgeu => !taken,
            _ => return,
        };
        let (left, right) = (branch.rs1(), branch.rs2());
        if less && let Some(bound) = self.get(right).constant() {
            self.refine_below(left, bound);
        }
        if !less && let Some(bound) = self.get(left).constant().and_then(|bound| bound.checked_add(1)) {
            self.refine_below(right, bound);
        }
    }

    /// The edge on which `left < bound` (unsigned) holds. Where `left` is a sign-extended copy, what it was made from is
    /// used as a word from there on.
    fn refine_below(&mut self, left: Register, bound: u64) {
        let Ok(bound) = u32::try_from(bound) else { return };
        let pair = self.copy.filter(|&(copy, source)| left == copy || left == source);
        let (copy, source) = pair.unwrap_or((left, left));
        for register in [copy, source] {
            match self.get(register) {
                Value::Any => self.set(register, Value::Below(bound)),
                Value::Below(known) => self.set(register, Value::Below(known.min(bound))),
                _ => {}
            }
        }
        self.copy = pair;
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

/// The targets that a jump through `value` can have by its table, read with `load`; `None` if `value` is no table access.
/// `accepts` is asked of each element, and told whether an index check bounds the table. A few elements in front may be
/// none; from the first that is one the table is read up to its bound, but at most to the first that is not accepted:
/// tables have no holes, and a bound can be too high where another one was lost.
pub(super) fn table_targets(
    value: Value<'_>,
    load: impl Fn(Op, u64) -> Option<u64>,
    accepts: impl Fn(u64, bool) -> bool,
) -> Option<(Table, Vec<u64>)> {
    /// No compiler emits longer ones; bounds the work on hostile files.
    const LONGEST: u32 = 1 << 14;
    /// The lowest index may be above 0: compilers fold what is subtracted from it into the table's address.
    const LEADING: u32 = 8;
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
        let target = load(read.load, table.base.wrapping_add(stride.wrapping_mul(index.into())))
            .map(|element| base.wrapping_add(element))
            .filter(|&target| accepts(target, table.scale.count.is_some()));
        match target {
            Some(target) => targets.push(target),
            None if targets.is_empty() && index < LEADING => {}
            None => break,
        }
    }
    let count = Some(targets.len() as u32);
    targets.sort_unstable();
    targets.dedup();
    (!targets.is_empty()).then_some((Table { scale: super::value::Scale { count, ..table.scale }, ..table }, targets))
}
