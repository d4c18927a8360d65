//! Sets of the places where instructions may start, see [`Code::slot`](super::code::Code::slot).

use std::ops::Range;

/// How far back [`SlotSet::below`] looks, in slots. Beyond it two blocks may share instructions, which is no harm.
const LOOK_BACK: usize = 1 << 14;

/// A set of slots, a bit each.
pub(super) struct SlotSet(Vec<u64>);

impl SlotSet {
    /// None of `count` slots.
    pub fn new(count: usize) -> SlotSet {
        SlotSet(vec![0; count / 64 + 1])
    }

    /// Whether `slot` is in it.
    pub fn contains(&self, slot: usize) -> bool {
        self.0.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 != 0)
    }

    /// Adds `slots`.
    pub fn insert(&mut self, slots: Range<usize>) {
        let mut start = slots.start;
        while start < slots.end
            && let Some(word) = self.0.get_mut(start / 64)
        {
            let count = (64 - start % 64).min(slots.end - start);
            *word |= u64::MAX >> (64 - count) << (start % 64);
            start += count;
        }
    }

    /// The nearest one below `slot`, if it is near.
    pub fn below(&self, slot: usize) -> Option<usize> {
        let mut index = slot / 64;
        let mut word = self.0.get(index)? & ((1 << (slot % 64)) - 1);
        for _ in 0..LOOK_BACK / 64 {
            if word != 0 {
                return Some(64 * index + word.ilog2() as usize);
            }
            index = index.checked_sub(1)?;
            word = self.0[index];
        }
        None
    }

    /// How many slots from `slot` on surely come before the next one of it, `slot` included: at least 1.
    pub fn free_from(&self, slot: usize) -> usize {
        let Some(&word) = self.0.get(slot / 64) else { return 1 };
        let ahead = word >> (slot % 64) & !1;
        if ahead != 0 { ahead.trailing_zeros() as usize } else { 64 - slot % 64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_added_whole_wherever_they_lie() {
        for range in [0..0, 3..4, 0..64, 63..65, 5..200, 128..192, 250..300] {
            let mut set = SlotSet::new(256);
            set.insert(range.clone());
            for slot in 0..320 {
                assert_eq!(set.contains(slot), range.contains(&slot), "{slot} of {range:?}");
            }
        }
    }

    #[test]
    fn what_is_near_is_found_in_both_directions() {
        let mut set = SlotSet::new(1 << 16);
        set.insert(70..71);
        assert_eq!((set.below(70), set.below(71), set.below(200)), (None, Some(70), Some(70)));
        assert_eq!(set.below(70 + LOOK_BACK + 64), None);
        assert_eq!((set.free_from(64), set.free_from(70), set.free_from(0)), (6, 58, 64));
    }
}
