//! The registers at one place of a function, and how one instruction changes them.

use std::collections::BTreeSet;

use super::arena::Arena;
use super::bounds::Bounds;
use super::code::{Code, load_size};
use super::value::{Displaced, Read, Scale, Table, Value, evaluate, immediate_operand};
use crate::isa::arithmetic::word;
use crate::isa::{Instruction, Op, Register, RegisterSet};

/// What is known of every integer register.
#[derive(Clone, Debug)]
pub(super) struct State<'v> {
    /// The registers of which something is known.
    known: RegisterSet,
    /// Meaningful where known.
    registers: [Value<'v>; 32],
    /// The last one, while both registers keep their values.
    copy: Option<Copied>,
}

/// A register that was copied to another one.
#[derive(Clone, Copy, Debug)]
struct Copied {
    from: Register,
    to: Register,
    /// Only its low 32 bits were, extended by their sign.
    extended: bool,
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

impl Default for State<'_> {
    fn default() -> Self {
        State::unknown()
    }
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
        if self.copy.is_some_and(|copy| register == copy.to || register == copy.from) {
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

    /// Nothing is known any more of `registers`.
    pub fn lose(&mut self, registers: RegisterSet) {
        self.known = self.known.minus(registers);
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
                Value::Set(addresses) => {
                    // Numbers that are no addresses lead to the file's own headers, if anywhere.
                    let load = |address| code.is_mapped(address).then(|| code.constant_load(op, address)).flatten();
                    let loads = addresses.numbers().iter().map(|&address| load(address));
                    let loaded: Option<Vec<u64>> = loads.collect();
                    loaded.map_or(Value::Any, |loaded| Value::of(loaded, code.arena))
                }
                Value::Element(table) => Value::Loaded(code.arena.read(Read { table: *table, load: op, shift: 0 })),
                // What one table says is the index into another one.
                Value::Displaced(&Displaced { base, read: Read { shift, .. } }) if shift != 0 => {
                    let table = Table { base, scale: Scale { shift, index: Bounds::NONE } };
                    Value::Loaded(code.arena.read(Read { table, load: op, shift: 0 }))
                }
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
        if !matches!(instruction.op, Op::Addi | Op::Add | Op::Addiw) {
            return;
        }
        let extends = instruction.op == Op::Addiw && instruction.immediate == 0;
        let copied = instruction.copied_register().or(extends.then_some(instruction.rs1()));
        self.copy = copied
            .filter(|&copied| copied != rd && rd != Register::ZERO && copied != Register::ZERO)
            .map(|from| Copied { from, to: rd, extended: extends })
            .or(self.copy);
    }

    /// Forgets what a callee may change, `broken` registers among it that it should not.
    pub fn after_call(&mut self, convention: Convention, broken: RegisterSet) {
        self.known = self.known.intersection(preserved(convention)).minus(broken);
        self.copy = None;
    }

    /// Whether a way out of `branch` says something of a register: it compares one with a constant. Signs are compared
    /// everywhere, and say something only of what is bounded besides.
    pub fn is_refined_by(&self, branch: &Instruction) -> bool {
        let (left, right) = (branch.rs1(), branch.rs2());
        let compares = || self.get(left).constant().is_some() != self.get(right).constant().is_some();
        let is_bounded = |register| matches!(self.get(register), Value::Between(_));
        match branch.op {
            Op::Bltu | Op::Bgeu => compares(),
            Op::Blt | Op::Bge if left == Register::ZERO => is_bounded(right),
            Op::Blt | Op::Bge if right == Register::ZERO => is_bounded(left),
            Op::Blt | Op::Bge => compares(),
            _ => false,
        }
    }

    /// What holds besides on one way out of a branch: it was `taken` or not.
    pub fn refine(&mut self, branch: &Instruction, taken: bool, arena: &'v Arena<'v>) {
        if !self.is_refined_by(branch) {
            return;
        }
        let is_less = taken == matches!(branch.op, Op::Bltu | Op::Blt);
        let is_signed = matches!(branch.op, Op::Blt | Op::Bge);
        let (left, right) = (branch.rs1(), branch.rs2());
        let (register, bounds) = match (self.get(left).constant(), self.get(right).constant()) {
            (_, Some(0)) | (Some(u64::MAX), _) if !is_signed => return,
            (_, Some(bound)) if is_signed => (left, signed_bounds(bound, is_less, false)),
            (Some(bound), _) if is_signed => (right, signed_bounds(bound, !is_less, true)),
            (_, Some(bound)) if is_less => (left, Bounds::below(bound)),
            (Some(bound), _) if !is_less => (right, Bounds::below(bound + 1)),
            _ => return,
        };
        self.refine_between(register, bounds, arena);
    }

    /// The edge on which `register` is between `bounds`, and what it was copied to or from with it. A word and the
    /// number that it was taken from are the same only between two bounds.
    fn refine_between(&mut self, register: Register, bounds: Bounds, arena: &'v Arena<'v>) {
        self.refine_number(register, bounds, arena);
        let Some(copy) = self.copy else { return };
        if register == copy.to && copy.extended {
            self.refine_word(copy.from, bounds, arena);
        } else if register == copy.to {
            self.refine_number(copy.from, bounds, arena);
        } else if register == copy.from && !copy.extended {
            self.refine_number(copy.to, bounds, arena);
        } else if register == copy.from {
            // What was known before may be the other bound.
            let bounds = if let Value::Between(known) = self.get(register) { known } else { bounds };
            if bounds.count().is_some() {
                self.refine_number(copy.to, bounds, arena);
            }
        }
    }

    /// `register` is between `bounds`.
    fn refine_number(&mut self, register: Register, bounds: Bounds, arena: &'v Arena<'v>) {
        match self.get(register) {
            Value::Any => self.replace(register, bounds.value()),
            Value::Between(known) => self.replace(register, known.and(bounds).value()),
            Value::Word(known) if bounds.count().is_some() => self.replace(register, bounds.and(known).value()),
            Value::Set(values) => self.keep_of(register, values.numbers(), |number| bounds.contain(number), arena),
            _ => {}
        }
    }

    /// The low 32 bits of `register` are a signed number between `bounds`.
    fn refine_word(&mut self, register: Register, bounds: Bounds, arena: &'v Arena<'v>) {
        match self.get(register) {
            Value::Between(known) if known.count().is_some() => self.replace(register, known.and(bounds).value()),
            Value::Between(_) if bounds == Bounds::NONE => {}
            Value::Any | Value::Between(_) => self.replace(register, bounds.value_of_word()),
            Value::Word(known) => self.replace(register, known.and(bounds).value_of_word()),
            Value::Set(values) => {
                self.keep_of(register, values.numbers(), |number| bounds.contain(word(number as u32)), arena);
            }
            _ => {}
        }
    }

    /// `register` is one of those `numbers` that `fits`.
    fn keep_of(&mut self, register: Register, numbers: &[u64], fits: impl Fn(u64) -> bool, arena: &'v Arena<'v>) {
        let kept: Vec<u64> = numbers.iter().copied().filter(|&number| fits(number)).collect();
        if !kept.is_empty() {
            self.replace(register, Value::of(kept, arena));
        }
    }

    /// Says more of what `register` already holds.
    fn replace(&mut self, register: Register, value: Value<'v>) {
        let copy = self.copy;
        self.set(register, value);
        self.copy = copy;
    }
}

/// What is known of a number that is less than `bound`, or at least as large; with `or_equal` the numbers that are as
/// large as `bound` are on the lesser side. Both are signed.
fn signed_bounds(bound: u64, is_less: bool, or_equal: bool) -> Bounds {
    let first_above = (bound as i64).saturating_add(i64::from(or_equal));
    let end = |number: i64| i32::try_from(number);
    match is_less {
        true => end(first_above.saturating_sub(1)).map_or(Bounds::NONE, |high| Bounds { high, ..Bounds::NONE }),
        false => end(first_above).map_or(Bounds::NONE, |low| Bounds { low, ..Bounds::NONE }),
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

/// The targets that a jump through `value` can have by its table, read with `load`, and from where to where the table
/// lies; `None` if `value` is no table access. `accepts` is asked of each element, and told whether an index check
/// bounds the table. A few elements in front may be none; from the first that is one the table is read up to its bound,
/// but at most to the first that is not accepted: tables have no holes, and a bound can be too high where another one
/// was lost.
pub(super) fn table_targets(
    value: Value<'_>,
    load: impl Fn(Op, u64) -> Option<u64>,
    accepts: impl Fn(u64, bool) -> bool,
) -> Option<((u64, u64), Vec<u64>)> {
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
    let Bounds { low, high } = table.scale.index;
    let is_bounded = table.scale.index.count().is_some();
    if table.scale.index.count().is_some_and(|count| count > LONGEST) {
        return None;
    }
    let first = if low == i32::MIN { 0 } else { low };
    let last = high.min(first.saturating_add(LONGEST as i32 - 1));
    let mut targets = Vec::new();
    let mut behind = first;
    for index in first..=last {
        let element = read.element(index, &load).map(|element| base.wrapping_add(element));
        match element.filter(|&target| accepts(target, is_bounded)) {
            Some(target) => targets.push(target),
            None if targets.is_empty() && index.abs_diff(first) < LEADING => {}
            None => break,
        }
        behind = index.saturating_add(1);
    }
    targets.sort_unstable();
    targets.dedup();
    let place = |index: i32| table.base.wrapping_add_signed(i64::from(index) << table.scale.shift);
    (!targets.is_empty()).then(|| ((place(first), place(behind)), targets))
}
