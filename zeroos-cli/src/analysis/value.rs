//! The abstract values of the forward pass: what is known of a register without knowing how the function was called.
//!
//! The order is flat on purpose: constants join to small sets, everything else that differs joins to [`Value::Any`].
//! Values are copied by the million, so the rare wide ones lie in an arena.

use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use super::arena::{Arena, ConstantSet};
use super::bounds::Bounds;
use crate::isa::arithmetic::{self, word};
use crate::isa::{Instruction, Op};

/// More values than this at one place count as "any value".
pub(super) const SET_LIMIT: usize = 32;

/// What is known of a 64-bit register. `'v` is the arena's.
#[derive(Clone, Copy, Eq, Debug)]
pub(super) enum Value<'v> {
    /// Nothing.
    Any,
    /// Exactly this.
    Constant(u64),
    /// One of these, at most [`SET_LIMIT`].
    Set(&'v ConstantSet<'v>),
    /// The stack pointer at function entry plus this many bytes.
    Stack(i64),
    /// Unknown, but a signed number between these bounds, of which there is at least one.
    Between(Bounds),
    /// Unknown, but its low 32 bits are a signed number between these bounds, of which there is at least one.
    Word(Bounds),
    /// An unknown number shifted left: an index made into a byte offset.
    Scaled(Scale),
    /// A constant address plus a scaled index: the address of a table's element.
    Element(&'v Table),
    /// What a load from a table's element gave.
    Loaded(&'v Read),
    /// A constant plus what a load from a table's element gave: the target of a relative jump table.
    Displaced(&'v Displaced),
}

impl PartialEq for Value<'_> {
    // By hand only to be inlined: most values are constants or places in the stack frame.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::Constant(a), Value::Constant(b)) => a == b,
            (Value::Stack(a), Value::Stack(b)) => a == b,
            (Value::Any, Value::Any) => true,
            _ => discriminant(self) == discriminant(other) && rare_values_are_equal(self, other),
        }
    }
}

impl Hash for Value<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.fingerprint());
    }
}

#[cold]
fn rare_values_are_equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Set(a), Value::Set(b)) => std::ptr::eq(*a, *b) || a == b,
        (Value::Between(a), Value::Between(b)) | (Value::Word(a), Value::Word(b)) => a == b,
        (Value::Scaled(a), Value::Scaled(b)) => a == b,
        (Value::Element(a), Value::Element(b)) => a == b,
        (Value::Loaded(a), Value::Loaded(b)) => a == b,
        (Value::Displaced(a), Value::Displaced(b)) => a == b,
        _ => false,
    }
}

/// How an index became a byte offset.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Scale {
    /// The left shift.
    pub shift: u8,
    /// What is known of the index.
    pub index: Bounds,
}

/// A table in memory that is read with an unknown index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Table {
    /// Address of the element of index 0.
    pub base: u64,
    /// Stride and number of elements.
    pub scale: Scale,
}

/// A load from a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Read {
    /// Of which some element is read.
    pub table: Table,
    /// By which instruction.
    pub load: Op,
    /// By how many bits it was shifted left then.
    pub shift: u8,
}

impl Read {
    /// What is read of the table's element of this index; `load` knows what lies in memory.
    pub fn element(&self, index: i32, load: impl Fn(Op, u64) -> Option<u64>) -> Option<u64> {
        let distance = i64::from(index).checked_shl(self.table.scale.shift.into())?;
        let element = load(self.load, self.table.base.wrapping_add_signed(distance))?;
        element.checked_shl(self.shift.into())
    }
}

/// A constant plus what was read from a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Displaced {
    /// The constant.
    pub base: u64,
    /// What is added to it.
    pub read: Read,
}

impl<'v> Value<'v> {
    /// The possible values, ascending; `None` if they are not a small set of constants.
    pub fn constants(&self) -> Option<&[u64]> {
        match self {
            Value::Constant(value) => Some(std::slice::from_ref(value)),
            Value::Set(values) => Some(values.numbers()),
            _ => None,
        }
    }

    /// The one possible value.
    pub fn constant(&self) -> Option<u64> {
        match self {
            Value::Constant(value) => Some(*value),
            _ => None,
        }
    }

    /// The least and the largest of the constants that it can be, if it can only be such.
    fn bounds(&self) -> Option<Bounds> {
        let constants = self.constants()?.iter().map(|&number| i32::try_from(number as i64).ok());
        let ends = constants.map(|number| number.map(|number| Bounds { low: number, high: number }));
        ends.reduce(|a, b| Some(a?.or(b?))).flatten()
    }

    /// Whether it is a range of numbers all of which `other`, a few constants, are part of.
    pub fn takes_in(&self, other: &Value<'v>) -> bool {
        let contains = |number| match self {
            Value::Between(bounds) => bounds.contain(number),
            Value::Word(bounds) => bounds.contain(word(number as u32)),
            _ => false,
        };
        other.constants().is_some_and(|constants| constants.iter().copied().all(contains))
    }

    /// Equal values have equal fingerprints, most others different ones.
    pub fn fingerprint(&self) -> u64 {
        let (kind, number) = match self {
            Value::Any => (0, 0),
            Value::Constant(value) => (1, *value),
            Value::Set(values) => (2, values.numbers().iter().fold(0, |sum: u64, &value| sum.wrapping_add(value))),
            Value::Stack(offset) => (3, *offset as u64),
            Value::Between(bounds) => (4, u64::from(bounds.low as u32) << 32 | u64::from(bounds.high as u32)),
            Value::Scaled(scale) => (5, u64::from(scale.shift)),
            Value::Element(table) => (6, table.base),
            Value::Loaded(read) => (7, read.table.base),
            Value::Displaced(displaced) => (8, displaced.base),
            Value::Word(bounds) => (9, u64::from(bounds.low as u32) << 32 | u64::from(bounds.high as u32)),
        };
        number ^ kind << 56
    }

    /// The value that stands for all of `values`.
    pub fn of(mut values: Vec<u64>, arena: &'v Arena<'v>) -> Value<'v> {
        values.sort_unstable();
        values.dedup();
        match values.as_slice() {
            [] => Value::Any,
            [value] => Value::Constant(*value),
            _ if values.len() <= SET_LIMIT => Value::Set(arena.set(&values)),
            _ => Value::Any,
        }
    }

    fn two(low: u64, high: u64, arena: &'v Arena<'v>) -> Value<'v> {
        Value::Set(arena.set(&[low, high]))
    }

    /// What holds on either of two paths.
    pub fn join(&self, other: &Value<'v>, arena: &'v Arena<'v>) -> Value<'v> {
        if self == other {
            return *self;
        }
        match (self, other) {
            (Value::Any, _) | (_, Value::Any) => Value::Any,
            (Value::Constant(a), Value::Constant(b)) => Value::two(*a.min(b), *a.max(b), arena),
            (Value::Between(a), Value::Between(b)) => a.or(*b).value(),
            (Value::Word(a), Value::Word(b)) => a.or(*b).value_of_word(),
            (Value::Word(bounds), Value::Between(others)) | (Value::Between(others), Value::Word(bounds)) => {
                bounds.or(others.of_word()).value_of_word()
            }
            (Value::Word(bounds), constants) | (constants, Value::Word(bounds)) => {
                constants.bounds().map_or(Value::Any, |others| bounds.or(others).value_of_word())
            }
            (Value::Between(bounds), constants) | (constants, Value::Between(bounds)) => {
                constants.bounds().map_or(Value::Any, |others| bounds.or(others).value())
            }
            _ => match (self.constants(), other.constants()) {
                (Some(a), Some(b)) if b.iter().all(|value| a.binary_search(value).is_ok()) => *self,
                (Some(a), Some(b)) => Value::of([a, b].concat(), arena),
                _ => Value::Any,
            },
        }
    }
}

/// The second operand of an arithmetic instruction: its immediate, or `None` when it is register rs2.
pub(super) fn immediate_operand(instruction: &Instruction) -> Option<u64> {
    use Op::*;
    match instruction.op {
        Addi | Slti | Sltiu | Xori | Ori | Andi | Slli | Srli | Srai | Addiw | Slliw | Srliw | Sraiw | SlliUw
        | Rori | Roriw | Bclri | Bexti | Binvi | Bseti => Some(i64::from(instruction.immediate) as u64),
        SextB | SextH | ZextH | Clz | Clzw | Ctz | Ctzw | Cpop | Cpopw | OrcB | Rev8 => Some(0),
        _ => None,
    }
}

/// The result of the arithmetic operation `op` on `a` (rs1) and `b` (rs2 or the immediate), as the ISA manual defines
/// it; `None` for an operation that is not arithmetic or that address and number computations do not use.
pub(super) fn compute(op: Op, a: u64, b: u64) -> Option<u64> {
    use Op::*;
    let (low_a, low_b) = (a as u32, b as u32);
    Some(match op {
        Addi | Add => a.wrapping_add(b),
        Sub => a.wrapping_sub(b),
        Addiw | Addw => word(low_a.wrapping_add(low_b)),
        Subw => word(low_a.wrapping_sub(low_b)),
        Slti | Slt => u64::from((a as i64) < b as i64),
        Sltiu | Sltu => u64::from(a < b),
        Xori | Xor => a ^ b,
        Ori | Or => a | b,
        Andi | And => a & b,
        Slli | Sll => a << (b & 63),
        Srli | Srl => a >> (b & 63),
        Srai | Sra => ((a as i64) >> (b & 63)) as u64,
        Slliw | Sllw => word(low_a << (b & 31)),
        Srliw | Srlw => word(low_a >> (b & 31)),
        Sraiw | Sraw => i64::from((low_a as i32) >> (b & 31)) as u64,
        Mul => a.wrapping_mul(b),
        Mulw => word(low_a.wrapping_mul(low_b)),
        Mulh => arithmetic::mulh(a, b),
        Mulhsu => arithmetic::mulhsu(a, b),
        Mulhu => arithmetic::mulhu(a, b),
        Div => arithmetic::div(a, b),
        Divu => arithmetic::divu(a, b),
        Rem => arithmetic::rem(a, b),
        Remu => arithmetic::remu(a, b),
        Divw => arithmetic::divw(a, b),
        Divuw => arithmetic::divuw(a, b),
        Remw => arithmetic::remw(a, b),
        Remuw => arithmetic::remuw(a, b),
        AddUw => u64::from(low_a).wrapping_add(b),
        Sh1add => (a << 1).wrapping_add(b),
        Sh2add => (a << 2).wrapping_add(b),
        Sh3add => (a << 3).wrapping_add(b),
        Sh1addUw => (u64::from(low_a) << 1).wrapping_add(b),
        Sh2addUw => (u64::from(low_a) << 2).wrapping_add(b),
        Sh3addUw => (u64::from(low_a) << 3).wrapping_add(b),
        SlliUw => u64::from(low_a) << (b & 63),
        Andn => a & !b,
        Orn => a | !b,
        Xnor => !(a ^ b),
        Max => (a as i64).max(b as i64) as u64,
        Maxu => a.max(b),
        Min => (a as i64).min(b as i64) as u64,
        Minu => a.min(b),
        SextB => i64::from(a as i8) as u64,
        SextH => i64::from(a as i16) as u64,
        ZextH => u64::from(a as u16),
        Bclr | Bclri => a & !(1 << (b & 63)),
        Bext | Bexti => a >> (b & 63) & 1,
        Binv | Binvi => a ^ 1 << (b & 63),
        Bset | Bseti => a | 1 << (b & 63),
        _ => return None,
    })
}

/// The result of `op` on abstract operands.
pub(super) fn evaluate<'v>(op: Op, a: Value<'v>, b: Value<'v>, arena: &'v Arena<'v>) -> Value<'v> {
    match (op, a, b) {
        (_, Value::Constant(x), Value::Constant(y)) => compute(op, x, y).map_or(Value::Any, Value::Constant),
        (Op::Addi, _, Value::Constant(0)) => a,
        (Op::Addi | Op::Add, Value::Stack(offset), Value::Constant(bytes))
        | (Op::Addi | Op::Add, Value::Constant(bytes), Value::Stack(offset)) => {
            Value::Stack(offset.wrapping_add(bytes as i64))
        }
        (Op::Sub, Value::Stack(offset), Value::Constant(bytes)) => Value::Stack(offset.wrapping_sub(bytes as i64)),
        (_, Value::Set(_), Value::Constant(_) | Value::Set(_)) | (_, Value::Constant(_), Value::Set(_)) => {
            let (left, right) = (a.constants().unwrap_or_default(), b.constants().unwrap_or_default());
            let results: Option<Vec<u64>> =
                left.iter().flat_map(|&x| right.iter().map(move |&y| compute(op, x, y))).collect();
            results.map_or(Value::Any, |values| Value::of(values, arena))
        }
        _ => table_step(op, a, b, arena),
    }
}

/// The steps by which an index becomes a jump-table target: mask, scale, add the base, load, add the base again.
fn table_step<'v>(op: Op, a: Value<'v>, b: Value<'v>, arena: &'v Arena<'v>) -> Value<'v> {
    use Op::*;
    // A table has fewer than 2^32 elements: an index into it is what its word is.
    let bounds = |index| if let Value::Between(bounds) | Value::Word(bounds) = index { bounds } else { Bounds::NONE };
    // What is taken for an unsigned word.
    let as_word = |bounds: Bounds| if bounds.are_unsigned() { bounds.of_word() } else { Bounds::NONE };
    match (op, a, b) {
        (Andi, _, Value::Constant(mask)) if mask < 1 << 16 => Value::Between(Bounds::below(mask + 1)),
        (Addiw, Value::Between(bounds), Value::Constant(0)) => bounds.of_word().value(),
        (Addiw, Value::Word(bounds), Value::Constant(0)) => Value::Between(bounds),
        (Addi, Value::Between(bounds), Value::Constant(number))
        | (Addiw, Value::Between(bounds) | Value::Word(bounds), Value::Constant(number)) => {
            bounds.moved_by(number).map_or(Value::Any, Value::Between)
        }
        (Addi, Value::Word(bounds), Value::Constant(number)) => bounds.moved_by(number).map_or(Value::Any, Value::Word),
        (Slli, Value::Loaded(read), Value::Constant(shift)) if shift < 8 => {
            Value::Loaded(arena.read(Read { shift: read.shift.saturating_add(shift as u8), ..*read }))
        }
        (Slli, _, Value::Constant(shift)) => Value::Scaled(Scale { shift: shift as u8 & 63, index: bounds(a) }),
        (SlliUw, _, Value::Constant(shift)) => {
            Value::Scaled(Scale { shift: shift as u8 & 63, index: as_word(bounds(a)) })
        }
        (Srli | Srai, Value::Scaled(scale), Value::Constant(shift)) if shift <= scale.shift.into() => {
            // So many bits of the index are left: none of those that its bounds need may be lost.
            let keeps = |end: i32| match op {
                Srai => i64::from(end) << scale.shift >> scale.shift == i64::from(end),
                _ => (i64::from(end) as u64) << scale.shift >> scale.shift == i64::from(end) as u64,
            };
            let is_kept = scale.index.count().is_some() && keeps(scale.index.low) && keeps(scale.index.high);
            let index = if is_kept { scale.index } else { Bounds::NONE };
            Value::Scaled(Scale { shift: scale.shift - shift as u8, index })
        }
        (Add, index, Value::Constant(base)) | (Add, Value::Constant(base), index)
            if bounds(index).count().is_some() =>
        {
            Value::Element(arena.table(Table { base, scale: Scale { shift: 0, index: bounds(index) } }))
        }
        (Add, Value::Scaled(scale), Value::Constant(base)) | (Add, Value::Constant(base), Value::Scaled(scale)) => {
            Value::Element(arena.table(Table { base, scale }))
        }
        (Sh1add | Sh2add | Sh3add, Value::Loaded(read), Value::Constant(base)) => {
            let shift = match op {
                Sh1add => 1,
                Sh2add => 2,
                _ => 3,
            };
            let read = Read { shift: read.shift.saturating_add(shift), ..*read };
            Value::Displaced(arena.displaced(Displaced { base, read }))
        }
        (Sh1add | Sh2add | Sh3add | Sh1addUw | Sh2addUw | Sh3addUw, index, Value::Constant(base)) => {
            let shift = match op {
                Sh1add | Sh1addUw => 1,
                Sh2add | Sh2addUw => 2,
                _ => 3,
            };
            let index = match op {
                Sh1add | Sh2add | Sh3add => bounds(index),
                _ => as_word(bounds(index)),
            };
            Value::Element(arena.table(Table { base, scale: Scale { shift, index } }))
        }
        (Addi | Add, Value::Element(table), Value::Constant(bytes)) => {
            Value::Element(arena.table(Table { base: table.base.wrapping_add(bytes), ..*table }))
        }
        (Addi | Add, Value::Displaced(displaced), Value::Constant(bytes)) => {
            Value::Displaced(arena.displaced(Displaced { base: displaced.base.wrapping_add(bytes), ..*displaced }))
        }
        (Add, Value::Loaded(read), Value::Constant(base)) | (Add, Value::Constant(base), Value::Loaded(read)) => {
            Value::Displaced(arena.displaced(Displaced { base, read: *read }))
        }
        _ => Value::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_collect_constants_and_give_up_on_anything_else() {
        let arena = Arena::new();
        let joined = Value::Constant(64).join(&Value::Constant(63), &arena);
        assert_eq!(joined.constants(), Some(&[63, 64][..]));
        assert_eq!(joined.join(&Value::Stack(0), &arena), Value::Any);
        let many = (0..=SET_LIMIT as u64).fold(Value::Constant(0), |all, n| all.join(&Value::Constant(n), &arena));
        assert_eq!(many, Value::Any);
    }

    #[test]
    fn a_value_is_two_words() {
        assert_eq!(size_of::<Value<'_>>(), 16);
    }

    #[test]
    fn word_operations_sign_extend() {
        assert_eq!(compute(Op::Addiw, 0x7fff_ffff, 1), Some(0xffff_ffff_8000_0000));
        assert_eq!(compute(Op::Sraiw, 0x8000_0000, 31), Some(u64::MAX));
        assert_eq!(compute(Op::AmoswapD, 0, 0), None);
    }

    #[test]
    fn an_index_becomes_a_table_element() {
        let arena = Arena::new();
        let index = evaluate(Op::Slli, Value::Between(Bounds::below(7)), Value::Constant(32), &arena);
        let scaled = evaluate(Op::Srli, index, Value::Constant(30), &arena);
        let element = evaluate(Op::Add, scaled, Value::Constant(0x1000), &arena);
        let scale = Scale { shift: 2, index: Bounds { low: 0, high: 6 } };
        assert_eq!(element, Value::Element(&Table { base: 0x1000, scale }));
    }
    #[test]
    fn bounds_of_a_number_are_its_words_only_if_there_are_two() {
        let arena = Arena::new();
        let above = Value::Between(Bounds { low: 3, ..Bounds::NONE });
        let (few, word) = (Bounds::below(8), Value::Word(Bounds::below(8)));
        let extended = |value| evaluate(Op::Addiw, value, Value::Constant(0), &arena);
        assert_eq!([above, Value::Between(few), word].map(extended), [Value::Any, few.value(), few.value()]);
        for op in [Op::Srli, Op::Srai] {
            let shifted = |value| evaluate(Op::Slli, value, Value::Constant(32), &arena);
            let index = |value| evaluate(op, shifted(value), Value::Constant(32), &arena);
            let scaled = |index| Value::Scaled(Scale { shift: 0, index });
            assert_eq!([above, word].map(index), [Bounds::NONE, few].map(scaled));
        }
        assert_eq!(word.join(&few.value(), &arena), word);
        assert_eq!(word.join(&above, &arena), Value::Any);
    }
}
