//! How a basic block ends, in few bytes: nearly every block has at most two successors and one callee.

use std::num::NonZeroU32;
use std::rc::Rc;

use super::call_tables::CallTable;

/// A block, by its place in [`Blocks`](super::blocks::Blocks).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct BlockId(NonZeroU32);

/// A function, by its place in the program's list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct FunctionId(NonZeroU32);

impl BlockId {
    /// The block at `index` of the list.
    pub fn new(index: usize) -> BlockId {
        BlockId(NonZeroU32::MIN.saturating_add(index as u32))
    }

    /// Its place in the list.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl FunctionId {
    /// The function at `index` of the list.
    pub fn new(index: usize) -> FunctionId {
        FunctionId(NonZeroU32::MIN.saturating_add(index as u32))
    }

    /// Its place in the list.
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// How a block ends.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// Nearly every block.
    Few(Few),
    /// What does not fit there.
    Many(Box<Many>),
}

/// At most two successors and one known way out of the function.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Few {
    next: [Option<BlockId>; 2],
    /// Where it leaves the function for.
    target: Option<FunctionId>,
    /// Whether `target` is jumped to, not called.
    is_tail: bool,
    ways: Ways,
}

/// Any number of successors and of ways out.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Many {
    next: Vec<Option<BlockId>>,
    called: Vec<FunctionId>,
    /// What it calls an element of.
    table: Option<Rc<CallTable>>,
    tails: Vec<FunctionId>,
    ways: Ways,
}

/// In which ways control leaves a block's function, wherever to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Ways(u8);

impl Ways {
    const RETURNS: u8 = 1;
    const CALLS: u8 = 1 << 1;
    const CALLS_UNKNOWN: u8 = 1 << 2;
    const JUMPS: u8 = 1 << 3;
    const JUMPS_UNKNOWN: u8 = 1 << 4;

    fn has(self, way: u8) -> bool {
        self.0 & way != 0
    }

    fn add(&mut self, way: u8) {
        self.0 |= way;
    }
}

impl Default for Exit {
    fn default() -> Exit {
        Exit::Few(Few::default())
    }
}

/// What a call or a jump out of the function goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callee<'e> {
    first: Option<FunctionId>,
    more: &'e [FunctionId],
    /// Some element of this; `unknown` is true then.
    pub table: Option<&'e CallTable>,
    /// Any function whose address is taken, besides the known ones.
    pub unknown: bool,
}

impl<'e> Callee<'e> {
    /// The functions that it can be by their address.
    pub fn named(self) -> impl Iterator<Item = FunctionId> + use<'e> {
        self.first.into_iter().chain(self.more.iter().copied())
    }

    /// The same, and the elements of the table.
    pub fn known(self) -> impl Iterator<Item = FunctionId> + use<'e> {
        self.named().chain(self.table.into_iter().flat_map(|table| table.functions.iter().copied()))
    }

    /// Whether it goes to no code at all.
    pub fn is_nowhere(self) -> bool {
        self.first.is_none() && self.more.is_empty() && !self.unknown
    }
}

impl Exit {
    fn ways(&self) -> Ways {
        match self {
            Exit::Few(few) => few.ways,
            Exit::Many(many) => many.ways,
        }
    }

    fn add_way(&mut self, way: u8) {
        match self {
            Exit::Few(few) => few.ways.add(way),
            Exit::Many(many) => many.ways.add(way),
        }
    }

    /// Blocks of this function that can follow, the one behind a call included.
    pub fn successors(&self) -> impl Iterator<Item = BlockId> {
        let next = match self {
            Exit::Few(few) => &few.next[..],
            Exit::Many(many) => &many.next[..],
        };
        next.iter().filter_map(|&next| next)
    }

    /// The functions that it calls or jumps to by their address.
    pub fn targets(&self) -> impl Iterator<Item = FunctionId> {
        let (called, tails) = match self {
            Exit::Few(few) => (few.target.as_slice(), &[][..]),
            Exit::Many(many) => (&many.called[..], &many.tails[..]),
        };
        called.iter().chain(tails).copied()
    }

    /// Whether it may return to the caller.
    pub fn returns(&self) -> bool {
        self.ways().has(Ways::RETURNS)
    }

    /// The call that it ends in.
    pub fn call(&self) -> Option<Callee<'_>> {
        let ways = self.ways();
        ways.has(Ways::CALLS).then(|| {
            let (first, more, table) = match self {
                Exit::Few(few) => (few.target.filter(|_| !few.is_tail), &[][..], None),
                Exit::Many(many) => (None, &many.called[..], many.table.as_deref()),
            };
            Callee { first, more, table, unknown: ways.has(Ways::CALLS_UNKNOWN) }
        })
    }

    /// Where it leaves the function for good without returning: tail calls and jumps into other pieces.
    pub fn tail(&self) -> Option<Callee<'_>> {
        let ways = self.ways();
        ways.has(Ways::JUMPS).then(|| {
            let (first, more) = match self {
                Exit::Few(few) => (few.target.filter(|_| few.is_tail), &[][..]),
                Exit::Many(many) => (None, &many.tails[..]),
            };
            Callee { first, more, table: None, unknown: ways.has(Ways::JUMPS_UNKNOWN) }
        })
    }

    /// The call and the tail.
    pub fn callees(&self) -> impl Iterator<Item = Callee<'_>> {
        self.call().into_iter().chain(self.tail())
    }

    /// `block` can follow.
    pub fn add_successor(&mut self, block: BlockId) {
        if let Exit::Few(few) = self
            && let Some(free) = few.next.iter_mut().find(|next| next.is_none())
        {
            *free = Some(block);
        } else {
            self.extend(|many| many.next.push(Some(block)));
        }
    }

    /// It may return to the caller.
    pub fn set_returns(&mut self) {
        self.add_way(Ways::RETURNS);
    }

    /// It ends in a call: of `target` if known, of any function if `unknown`, of nothing that is code otherwise.
    pub fn add_call(&mut self, target: Option<FunctionId>, unknown: bool) {
        self.leave(target, false);
        self.add_way(Ways::CALLS);
        if unknown {
            self.add_way(Ways::CALLS_UNKNOWN);
        }
    }

    /// It ends in a call of an element of `table`, or of any function.
    pub fn add_call_by(&mut self, table: Rc<CallTable>) {
        self.add_call(None, true);
        self.extend(|many| many.table = Some(table));
    }

    /// The same for a jump out of the function.
    pub fn add_tail(&mut self, target: Option<FunctionId>, unknown: bool) {
        self.leave(target, true);
        self.add_way(Ways::JUMPS);
        if unknown {
            self.add_way(Ways::JUMPS_UNKNOWN);
        }
    }

    fn leave(&mut self, target: Option<FunctionId>, is_tail: bool) {
        let Some(target) = target else { return };
        match self {
            Exit::Few(few) if few.target.is_none() => (few.target, few.is_tail) = (Some(target), is_tail),
            _ if is_tail => self.extend(|many| many.tails.push(target)),
            _ => self.extend(|many| many.called.push(target)),
        }
    }

    /// Changes it where it does not matter how much it holds.
    fn extend(&mut self, change: impl FnOnce(&mut Many)) {
        let mut many = match std::mem::take(self) {
            Exit::Few(few) => {
                let (called, tails) = if few.is_tail { (None, few.target) } else { (few.target, None) };
                Box::new(Many {
                    next: few.next.into_iter().filter(Option::is_some).collect(),
                    called: called.into_iter().collect(),
                    table: None,
                    tails: tails.into_iter().collect(),
                    ways: few.ways,
                })
            }
            Exit::Many(many) => many,
        };
        change(&mut many);
        *self = Exit::Many(many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_beyond_what_fits_inside() {
        let mut exit = Exit::default();
        assert!(exit.call().is_none() && exit.tail().is_none());
        for index in 0..5 {
            exit.add_successor(BlockId::new(index));
            exit.add_tail(Some(FunctionId::new(index)), index == 3);
        }
        exit.add_call(None, false);
        assert_eq!(exit.successors().map(BlockId::index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert_eq!(exit.targets().map(FunctionId::index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let tail = exit.tail().unwrap();
        assert_eq!(tail.known().map(FunctionId::index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(tail.unknown && exit.call().unwrap().is_nowhere());
        assert_eq!(size_of::<Exit>(), 16);
    }
}
