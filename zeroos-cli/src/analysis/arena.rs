//! Where the abstract values keep what does not fit into two words. Sets of constants and accesses to tables are few but
//! are made again and again, so those that were made lately are shared.

use std::cell::Cell;
use std::hash::{Hash, Hasher};

use bumpalo::Bump;
use rustc_hash::FxHasher;

use super::value::{Displaced, Read, Table};

/// See the module. `'v` is its own borrow.
pub(super) struct Arena<'v> {
    bump: Bump,
    sets: Recent<'v, ConstantSet<'v>>,
    tables: Recent<'v, Table>,
    reads: Recent<'v, Read>,
    displaced: Recent<'v, Displaced>,
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

/// How many of each kind are remembered to be shared.
const RECENT: usize = 1 << 11;

/// By hash, one that was made.
struct Recent<'v, T>([Cell<Option<&'v T>>; RECENT]);

impl<'v, T> Recent<'v, T> {
    fn new() -> Recent<'v, T> {
        Recent([const { Cell::new(None) }; RECENT])
    }

    /// The one that is `like` this, made now if none is remembered. Those that are alike have equal keys.
    fn shared(&self, key: impl Hash, like: impl Fn(&T) -> bool, make: impl FnOnce() -> &'v T) -> &'v T {
        let mut hasher = FxHasher::default();
        key.hash(&mut hasher);
        let recent = &self.0[hasher.finish() as usize % RECENT];
        if let Some(other) = recent.get().filter(|other| like(other)) {
            return other;
        }
        let new = make();
        recent.set(Some(new));
        new
    }
}

impl<'v> Arena<'v> {
    /// With nothing in it.
    pub fn new() -> Arena<'v> {
        Arena {
            bump: Bump::new(),
            sets: Recent::new(),
            tables: Recent::new(),
            reads: Recent::new(),
            displaced: Recent::new(),
        }
    }

    /// Keeps `value`, whose destructor is never run.
    pub fn keep<T>(&'v self, value: T) -> &'v T {
        self.bump.alloc(value)
    }

    /// The set of `numbers`, which ascend.
    pub fn set(&'v self, numbers: &[u64]) -> &'v ConstantSet<'v> {
        let make = || self.keep(ConstantSet(self.bump.alloc_slice_copy(numbers)));
        self.sets.shared(numbers, |set| set.0 == numbers, make)
    }

    /// The table `table`.
    pub fn table(&'v self, table: Table) -> &'v Table {
        self.tables.shared(table, |other| *other == table, || self.keep(table))
    }

    /// The load `read`.
    pub fn read(&'v self, read: Read) -> &'v Read {
        self.reads.shared(read, |other| *other == read, || self.keep(read))
    }

    /// The sum `displaced`.
    pub fn displaced(&'v self, displaced: Displaced) -> &'v Displaced {
        self.displaced.shared(displaced, |other| *other == displaced, || self.keep(displaced))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::bounds::Bounds;
    use crate::analysis::value::Scale;

    #[test]
    fn equal_sets_share_their_place_and_others_do_not_disturb_them() {
        let arena = Arena::new();
        let sets: Vec<&ConstantSet<'_>> = (0..5000).map(|number| arena.set(&[number, number + 1])).collect();
        assert!(sets.iter().zip(0..).all(|(set, number)| set.numbers() == [number, number + 1]));
        assert!(std::ptr::eq(arena.set(&[4999, 5000]), sets[4999]));
    }

    #[test]
    fn equal_tables_share_their_place_and_others_do_not_disturb_them() {
        let arena = Arena::new();
        let scale = Scale { shift: 2, index: Bounds::below(7) };
        let tables: Vec<&Table> = (0..5000).map(|base| arena.table(Table { base, scale })).collect();
        assert!(tables.iter().zip(0..).all(|(table, base)| table.base == base));
        assert!(std::ptr::eq(arena.table(Table { base: 4999, scale }), tables[4999]));
    }
}
