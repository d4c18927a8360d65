//! Where the abstract values keep what does not fit into two words. Sets of constants are few but are made again and
//! again, so those that were made lately are shared.

use std::cell::Cell;
use std::hash::{Hash, Hasher};

use bumpalo::Bump;
use rustc_hash::FxHasher;

/// How many sets are remembered to be shared.
const RECENT: usize = 1 << 10;

/// See the module. `'v` is its own borrow.
pub(super) struct Arena<'v> {
    bump: Bump,
    /// By hash, a set that was made.
    recent: [Cell<Option<&'v ConstantSet<'v>>>; RECENT],
}

/// Constants, ascending: at least two.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct ConstantSet<'v>(&'v [u64]);

impl<'v> ConstantSet<'v> {
    /// Its elements.
    pub fn numbers(&self) -> &'v [u64] {
        self.0
    }
}

impl<'v> Arena<'v> {
    /// With nothing in it.
    pub fn new() -> Arena<'v> {
        Arena { bump: Bump::new(), recent: [const { Cell::new(None) }; RECENT] }
    }

    /// Keeps `value`, whose destructor is never run.
    pub fn keep<T>(&'v self, value: T) -> &'v T {
        self.bump.alloc(value)
    }

    /// The set of `numbers`, which ascend.
    pub fn set(&'v self, numbers: &[u64]) -> &'v ConstantSet<'v> {
        let mut hasher = FxHasher::default();
        numbers.hash(&mut hasher);
        let recent = &self.recent[hasher.finish() as usize % RECENT];
        if let Some(set) = recent.get().filter(|set| set.0 == numbers) {
            return set;
        }
        let set = self.keep(ConstantSet(self.bump.alloc_slice_copy(numbers)));
        recent.set(Some(set));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_share_their_place_and_others_do_not_disturb_them() {
        let arena = Arena::new();
        let sets: Vec<&ConstantSet<'_>> = (0..5000).map(|number| arena.set(&[number, number + 1])).collect();
        assert!(sets.iter().zip(0..).all(|(set, number)| set.numbers() == [number, number + 1]));
        assert!(std::ptr::eq(arena.set(&[4999, 5000]), sets[4999]));
    }
}
