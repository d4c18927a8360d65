//! Between which signed numbers a register is, as comparisons tell.

use super::value::Value;

/// What comparisons say of a signed number: it is neither below the one end nor above the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Bounds {
    /// At the least; `i32::MIN` if nothing is known.
    pub low: i32,
    /// At the most; `i32::MAX` if nothing is known.
    pub high: i32,
}

impl Bounds {
    /// Nothing is known.
    pub const NONE: Bounds = Bounds { low: i32::MIN, high: i32::MAX };

    /// At least 0 and less than `count`, which is not 0. Larger numbers bound nothing.
    pub fn below(count: u64) -> Bounds {
        i32::try_from(count - 1).map_or(Bounds::NONE, |high| Bounds { low: 0, high })
    }

    /// How many numbers they are, if there are two bounds.
    pub fn count(self) -> Option<u32> {
        let known = self.low != i32::MIN && self.high != i32::MAX && self.low <= self.high;
        known.then(|| self.high.abs_diff(self.low).saturating_add(1))
    }

    /// What still holds if only the low 32 bits of the number are kept and extended by their sign: between two bounds
    /// that changes nothing, but beyond an unknown end they may be anything.
    pub fn of_word(self) -> Bounds {
        if self.count().is_some() { self } else { Bounds::NONE }
    }

    /// What holds of the sum with `number`, if there are two bounds and two ends of it.
    pub fn moved_by(self, number: u64) -> Option<Bounds> {
        let moved = |end: i32| i32::try_from(i64::from(end).checked_add(number as i64)?).ok();
        let moved = Bounds { low: moved(self.low)?, high: moved(self.high)? };
        self.count().and(moved.count()).map(|_| moved)
    }

    /// Whether none is negative.
    pub fn are_unsigned(self) -> bool {
        self.low >= 0
    }

    /// What holds if both hold; what `self` says where nothing would be left.
    pub fn and(self, other: Bounds) -> Bounds {
        let both = Bounds { low: self.low.max(other.low), high: self.high.min(other.high) };
        if both.low <= both.high { both } else { self }
    }

    /// What holds if one of them holds.
    pub fn or(self, other: Bounds) -> Bounds {
        Bounds { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Whether `number` is between them.
    pub fn contain(self, number: u64) -> bool {
        let number = number as i64;
        (self.low == i32::MIN || i64::from(self.low) <= number)
            && (self.high == i32::MAX || number <= i64::from(self.high))
    }

    /// The value of a register of which nothing else is known.
    pub fn value<'v>(self) -> Value<'v> {
        if self == Bounds::NONE { Value::Any } else { Value::Between(self) }
    }

    /// The value of a register of whose low 32 bits they speak, if nothing else is known.
    pub fn value_of_word<'v>(self) -> Value<'v> {
        if self == Bounds::NONE { Value::Any } else { Value::Word(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_move_with_the_number_unless_an_end_is_unknown_or_gets_lost() {
        let few = Bounds { low: -3, high: 4 };
        assert_eq!(few.moved_by(398), Some(Bounds { low: 395, high: 402 }));
        assert_eq!(few.moved_by(-10_i64 as u64), Some(Bounds { low: -13, high: -6 }));
        let above = Bounds { low: 3, ..Bounds::NONE };
        let far = Bounds { low: 3, high: i32::MAX - 4 };
        assert_eq!([above.moved_by(1), far.moved_by(4), far.moved_by(u64::MAX >> 1)], [None; 3]);
    }
}
