//! Partly known 64-bit words: the values of the backward search, exact to the bit where halves are put together.

use super::value::compute;
use crate::isa::Op;

/// A word of which some bits are unknown, or a place in a function's stack frame.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Word {
    /// The frame that it points into, as a number of the search; the word is then `value` bytes above that function's
    /// entry stack pointer.
    pub frame: Option<u32>,
    /// The known bits; zero where unknown.
    pub value: u64,
    /// Which bits are unknown.
    pub unknown: u64,
}

impl Word {
    /// Nothing is known.
    pub const UNKNOWN: Word = Word { frame: None, value: 0, unknown: u64::MAX };

    /// Exactly `value`.
    pub const fn exact(value: u64) -> Word {
        Word { frame: None, value, unknown: 0 }
    }

    /// The number, if all of it is known and it is not an address in a frame.
    pub fn number(self) -> Option<u64> {
        (self.unknown == 0 && self.frame.is_none()).then_some(self.value)
    }

    fn known(value: u64, unknown: u64) -> Word {
        Word { frame: None, value: value & !unknown, unknown }
    }
}

/// The result of `op` on partly known operands.
pub(super) fn combine(op: Op, a: Word, b: Word) -> Word {
    use Op::*;
    if let (Some(frame), None) = (a.frame.or(b.frame), a.frame.and(b.frame)) {
        let moved = match (op, a.frame, b.unknown | a.unknown) {
            (Addi | Add, _, 0) => Some(a.value.wrapping_add(b.value)),
            (Sub, Some(_), 0) => Some(a.value.wrapping_sub(b.value)),
            (Slli | Srli, Some(_), 0) if b.value == 0 => Some(a.value),
            _ => None,
        };
        return moved.map_or(Word::UNKNOWN, |value| Word { frame: Some(frame), value, unknown: 0 });
    }
    if a.frame.is_some() {
        return Word::UNKNOWN;
    }
    if a.unknown | b.unknown == 0 {
        return compute(op, a.value, b.value).map_or(Word::UNKNOWN, Word::exact);
    }
    let shift = (b.unknown == 0).then_some(b.value & 63);
    match (op, shift) {
        (And | Andi, _) => {
            let surely_zero = !(a.value | a.unknown) | !(b.value | b.unknown);
            Word::known(a.value & b.value, (a.unknown | b.unknown) & !surely_zero)
        }
        (Or | Ori, _) => Word::known(a.value | b.value, (a.unknown | b.unknown) & !(a.value | b.value)),
        (Xor | Xori, _) => Word::known(a.value ^ b.value, a.unknown | b.unknown),
        (Slli | Sll, Some(shift)) => Word::known(a.value << shift, a.unknown << shift),
        (Srli | Srl, Some(shift)) => Word::known(a.value >> shift, a.unknown >> shift),
        (Addw | Addiw, Some(_)) if b.value == 0 => sign_extend_word(a),
        // Carries run upwards only: bits below the lowest unknown one are exact.
        (Addi | Add, _) => {
            let unknown = a.unknown | b.unknown;
            Word::known(a.value.wrapping_add(b.value), u64::MAX << unknown.trailing_zeros())
        }
        (AddUw, _) if b.unknown == 0 && b.value == 0 => Word::known(a.value & 0xffff_ffff, a.unknown & 0xffff_ffff),
        _ => Word::UNKNOWN,
    }
}

/// What `op`, a load, makes of `word`, of which only the load's size counts.
pub(super) fn load(op: Op, word: Word) -> Word {
    if word.frame.is_some() {
        return if op == Op::Ld { word } else { Word::UNKNOWN };
    }
    let mask = super::code::load_size(op).map_or(0, |bytes| u64::MAX >> (64 - 8 * bytes));
    match op {
        _ if word.unknown & mask == 0 => Word::exact(super::code::extend(op, word.value)),
        Op::Lw => sign_extend_word(word),
        Op::Lwu | Op::Lhu | Op::Lbu | Op::Ld => Word::known(word.value & mask, word.unknown & mask),
        _ => Word::UNKNOWN,
    }
}

fn sign_extend_word(word: Word) -> Word {
    let extend = |bits: u64| i64::from(bits as i32) as u64;
    Word::known(extend(word.value), extend(word.unknown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_packed_beside_an_unknown_half_comes_out_whole() {
        let unknown_half = combine(Op::And, Word::UNKNOWN, Word::exact(0xffff_ffff));
        let number = combine(Op::Slli, Word::exact(146), Word::exact(32));
        let packed = combine(Op::Or, unknown_half, number);
        assert_eq!(packed.number(), None);
        assert_eq!(combine(Op::Srli, packed, Word::exact(32)).number(), Some(146));
    }

    #[test]
    fn an_addition_is_exact_below_its_lowest_unknown_bit() {
        let sum = combine(Op::Add, Word { frame: None, value: 1, unknown: 0xf0 }, Word::exact(2));
        assert_eq!((sum.value & 0xf, sum.unknown & 0xf), (3, 0));
        assert_eq!(sum.unknown, u64::MAX << 4);
    }

    #[test]
    fn a_frame_address_moves_by_constants_only() {
        let frame = Word { frame: Some(1), value: 8, unknown: 0 };
        assert_eq!(combine(Op::Addi, frame, Word::exact(12)), Word { frame: Some(1), value: 20, unknown: 0 });
        assert_eq!(combine(Op::Andi, frame, Word::exact(7)), Word::UNKNOWN);
        assert_eq!(combine(Op::Srli, frame, Word::exact(0)), frame);
        assert_eq!(combine(Op::Srli, frame, Word::exact(8)), Word::UNKNOWN);
    }
}
