//! How a basic block ends, in few bytes: nearly every block has at most two successors and one callee.

use std::num::NonZeroU32;

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
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Exit {
    next: [Option<BlockId>; 2],
    call: Leaving,
    tail: Leaving,
    /// Whether it may return to the caller.
    pub returns: bool,
    /// What does not fit above.
    more: Option<Box<More>>,
}

/// Whether control leaves the function, and for where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Leaving {
    known: Option<FunctionId>,
    leaves: bool,
    unknown: bool,
}

#[derive(PartialEq, Eq, Debug, Default)]
struct More {
    next: Vec<BlockId>,
    called: Vec<FunctionId>,
    tails: Vec<FunctionId>,
}

/// What a call or a jump out of the function goes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Callee<'e> {
    first: Option<FunctionId>,
    more: &'e [FunctionId],
    /// Any function whose address is taken, besides the known ones.
    pub unknown: bool,
}

impl<'e> Callee<'e> {
    /// The functions that it can be.
    pub fn known(self) -> impl Iterator<Item = FunctionId> + use<'e> {
        self.first.into_iter().chain(self.more.iter().copied())
    }

    /// Whether it goes to no code at all.
    pub fn is_nowhere(self) -> bool {
        self.first.is_none() && !self.unknown
    }
}

impl Exit {
    /// Blocks of this function that can follow, the one behind a call included.
    pub fn successors(&self) -> impl Iterator<Item = BlockId> {
        let mut index = 0;
        std::iter::from_fn(move || {
            let successor = match self.next.get(index) {
                Some(inside) => *inside,
                None => self.more.as_ref()?.next.get(index - self.next.len()).copied(),
            };
            index += 1;
            successor
        })
    }

    /// The call that it ends in.
    pub fn call(&self) -> Option<Callee<'_>> {
        let more = self.more.as_ref().map_or(&[][..], |more| &more.called);
        self.call.leaves.then_some(Callee { first: self.call.known, more, unknown: self.call.unknown })
    }

    /// Where it leaves the function for good without returning: tail calls and jumps into other pieces.
    pub fn tail(&self) -> Option<Callee<'_>> {
        let more = self.more.as_ref().map_or(&[][..], |more| &more.tails);
        self.tail.leaves.then_some(Callee { first: self.tail.known, more, unknown: self.tail.unknown })
    }

    /// The call and the tail.
    pub fn callees(&self) -> impl Iterator<Item = Callee<'_>> {
        self.call().into_iter().chain(self.tail())
    }

    /// `block` can follow.
    pub fn add_successor(&mut self, block: BlockId) {
        match self.next.iter_mut().find(|next| next.is_none()) {
            Some(free) => *free = Some(block),
            None => self.more.get_or_insert_default().next.push(block),
        }
    }

    /// It ends in a call: of `target` if known, of any function if `unknown`, of nothing that is code otherwise.
    pub fn add_call(&mut self, target: Option<FunctionId>, unknown: bool) {
        if let Some(extra) = self.call.add(target, unknown) {
            self.more.get_or_insert_default().called.push(extra);
        }
    }

    /// The same for a jump out of the function.
    pub fn add_tail(&mut self, target: Option<FunctionId>, unknown: bool) {
        if let Some(extra) = self.tail.add(target, unknown) {
            self.more.get_or_insert_default().tails.push(extra);
        }
    }
}

impl Leaving {
    /// Adds a way out; gives `target` back if there is no room for it.
    fn add(&mut self, target: Option<FunctionId>, unknown: bool) -> Option<FunctionId> {
        self.leaves = true;
        self.unknown |= unknown;
        match (self.known, target) {
            (None, _) => {
                self.known = target;
                None
            }
            (Some(_), target) => target,
        }
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
        let tail = exit.tail().unwrap();
        assert_eq!(tail.known().map(FunctionId::index).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(tail.unknown && exit.call().unwrap().is_nowhere());
        assert!(size_of::<Exit>() <= 40);
    }
}
