//! Lists of spans in a search tree by where they start, an AVL tree: whatever comes, the heights of what hangs left and right of a
//! node differ by one at most, so the tree is no deeper than 1.44 times the binary logarithm of how many lists there are, and
//! functions that go down it by calling themselves need little of the kernel's stack. Who changes a list has all nodes above it forget
//! what is taken below them; who looks for room has them learn it again. Both take as long as the tree is deep, and so does the
//! search for the first room that is large enough; where room must also be aligned (`room_buddy.rs`), it may visit much of the tree.

use crate::errno::Errno;
use crate::subsystems::span_list::{Span, SpanList};
use alloc::vec::Vec;

/// The tree. Nodes are known by their index.
#[derive(Debug)]
pub struct SpanTree {
    nodes: Vec<Node>,
    root: usize,
    /// The first node that is in no tree; its `left` is the next one.
    unused: usize,
}

/// A list in the tree. It knows the pages from `start` up to the next list's.
#[derive(Debug)]
pub struct Node {
    /// Where it starts.
    pub start: usize,
    /// The list.
    pub list: SpanList,
    left: usize,
    right: usize,
    /// How many nodes lie on the longest way down from here, this one included.
    height: u8,
    /// What this list takes, and with it those below, unless one of them changed.
    own: Option<Taken>,
    taken: Option<Taken>,
}

/// No node.
const NONE: usize = usize::MAX;

/// So many lists there are at most; those of a program that is not out for many hold more spans than Linux has mappings. It bounds
/// [how deep](MOST_HEIGHT) the tree is.
const MOST_LISTS: usize = 1 << 16;
/// An AVL tree of height 23 has 75,024 nodes at least.
#[cfg(test)]
const MOST_HEIGHT: u8 = 22;

/// A node that is in no tree, for a list to come.
#[derive(Debug)]
pub struct Room(usize);

/// What is mapped in a part of the address space.
#[derive(Clone, Copy, Debug)]
struct Taken {
    start: usize,
    end: usize,
    largest_room: usize,
}

impl Taken {
    const NOTHING: Taken = Taken { start: usize::MAX, end: 0, largest_room: 0 };

    /// What `spans` take.
    fn by(spans: &[Span]) -> Taken {
        let mut taken = Taken::NOTHING;
        for span in spans.iter().filter(|span| span.page.is_mapped()) {
            if taken.end > 0 {
                taken.largest_room = taken.largest_room.max(span.start.saturating_sub(taken.end));
            }
            taken.start = taken.start.min(span.start);
            taken.end = span.end;
        }
        taken
    }

    /// Both, of which `behind` lies behind.
    #[inline(never)]
    fn and(self, behind: Taken) -> Taken {
        if self.end == 0 || behind.end == 0 {
            return if self.end == 0 { behind } else { self };
        }
        let room = self.largest_room.max(behind.largest_room).max(behind.start.saturating_sub(self.end));
        Taken { start: self.start, end: behind.end, largest_room: room }
    }
}

/// A search for the lowest room.
#[derive(Debug)]
pub struct Search<F> {
    /// Where it may be: no lower.
    pub candidate: usize,
    /// How much is wanted.
    pub len_bytes: usize,
    /// The first address, from one on, where it may begin.
    pub align: F,
}

impl<F: Fn(usize) -> usize> Search<F> {
    /// Whether there is room before `start..end`, which is taken; else it is looked for behind.
    fn ends_before(&mut self, start: usize, end: usize) -> bool {
        if end <= self.candidate {
            return false;
        }
        let is_found = start.saturating_sub(self.candidate) >= self.len_bytes;
        if !is_found {
            self.candidate = (self.align)(end);
        }
        is_found
    }

    /// Whether there is room before the last of `spans`; else it is looked for behind.
    pub fn ends_among(&mut self, spans: &[Span]) -> bool {
        spans.iter().any(|span| span.page.is_mapped() && self.ends_before(span.start, span.end))
    }
}

impl SpanTree {
    /// No lists.
    pub const fn new() -> SpanTree {
        SpanTree { nodes: Vec::new(), root: NONE, unused: NONE }
    }

    /// The node whose list knows `address`, and where what it knows ends, at most at `end`.
    fn position(&self, address: usize, mut end: usize) -> (usize, usize) {
        let (mut at, mut found) = (self.root, NONE);
        while let Some(node) = self.nodes.get(at) {
            if address < node.start {
                (at, end) = (node.left, end.min(node.start));
            } else {
                (at, found) = (node.right, at);
            }
        }
        (found, end)
    }

    /// The list that knows `address`, and where what it knows ends, at most at `end`.
    pub fn find(&self, address: usize, end: usize) -> Option<(&SpanList, usize)> {
        let (at, end) = self.position(address, end);
        Some((&self.nodes.get(at)?.list, end))
    }

    /// The same list, to be changed. It may start later then, too.
    #[cold]
    #[inline(never)]
    pub fn find_mut(&mut self, address: usize, mut end: usize) -> Option<(&mut Node, usize)> {
        let (mut at, mut found) = (self.root, NONE);
        while let Some(node) = self.nodes.get_mut(at) {
            node.taken = None;
            if address < node.start {
                (at, end) = (node.left, end.min(node.start));
            } else {
                (at, found) = (node.right, at);
            }
        }
        let node = self.nodes.get_mut(found)?;
        node.own = None;
        Some((node, end))
    }

    /// Room for one more list. Who does not [use](Self::insert) it loses it.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full, or there are very many lists.
    pub fn room(&mut self) -> Result<Room, Errno> {
        if let Some(node) = self.nodes.get(self.unused) {
            return Ok(Room(core::mem::replace(&mut self.unused, node.left)));
        }
        let at = self.nodes.len();
        if at >= MOST_LISTS {
            return Err(Errno::ENOMEM);
        }
        self.nodes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        self.nodes.push(Node {
            start: 0,
            list: SpanList::new(),
            left: NONE,
            right: NONE,
            height: 1,
            own: None,
            taken: None,
        });
        Ok(Room(at))
    }

    /// Adds a list that starts at `start`, where none does.
    pub fn insert(&mut self, Room(new): Room, start: usize, list: SpanList) {
        if let Some(node) = self.nodes.get_mut(new) {
            *node = Node { start, list, left: NONE, right: NONE, height: 1, own: None, taken: None };
            self.root = self.with(self.root, new, start);
        }
    }

    /// Takes the last list out, and says where it starts.
    #[cold]
    #[inline(never)]
    pub fn remove_last(&mut self) -> Option<(usize, SpanList)> {
        let (at, _) = self.position(usize::MAX, 0);
        let start = self.nodes.get(at)?.start;
        Some((start, self.remove(at, start)?))
    }

    /// Takes out the list of node `at`, which starts at `start`.
    fn remove(&mut self, at: usize, start: usize) -> Option<SpanList> {
        self.root = self.without(self.root, start);
        let node = self.nodes.get_mut(at)?;
        node.left = core::mem::replace(&mut self.unused, at);
        Some(core::mem::replace(&mut node.list, SpanList::new()))
    }

    /// Makes one list of the one that knows `address` and each neighbour, if both are short.
    #[cold]
    #[inline(never)]
    pub fn unite(&mut self, address: usize) {
        let (at, end) = self.position(address, usize::MAX);
        self.unite_two(at, end);
        if let Some(node) = self.nodes.get(at)
            && let start @ 1.. = node.start
        {
            self.unite_two(self.position(start - 1, 0).0, start);
        }
    }

    /// The same for node `below` and the one behind, which starts at `start` if there is one.
    fn unite_two(&mut self, below: usize, start: usize) {
        let (above, _) = self.position(start, 0);
        let (Some(first), Some(second)) = (self.nodes.get(below), self.nodes.get(above)) else { return };
        if below == above || !first.list.is_short() || !second.list.is_short() {
            return;
        }
        let first_start = first.start;
        if let Some(list) = self.remove(above, start)
            && let Some((node, _)) = self.find_mut(first_start, 0)
        {
            node.list.append(list);
        }
    }

    /// The tree of node `at` with node `new`, whose list starts at `start`.
    fn with(&mut self, at: usize, new: usize, start: usize) -> usize {
        let Some(node) = self.nodes.get(at) else { return new };
        let (mut left, mut right, is_left) = (node.left, node.right, start < node.start);
        if is_left {
            left = self.with(left, new, start);
        } else {
            right = self.with(right, new, start);
        }
        self.balanced(left, at, right)
    }

    /// The tree of node `at` without the list that starts at `start`.
    fn without(&mut self, at: usize, start: usize) -> usize {
        let Some(node) = self.nodes.get(at) else { return NONE };
        let (mut top, mut left, mut right) = (at, node.left, node.right);
        if start < node.start {
            left = self.without(left, start);
        } else if start > node.start {
            right = self.without(right, start);
        } else if right == NONE {
            return left;
        } else {
            // The next list takes its place.
            top = right;
            while let Some(node) = self.nodes.get(top).filter(|node| node.left != NONE) {
                top = node.left;
            }
            let next = self.nodes.get(top).map_or(0, |node| node.start);
            right = self.without(right, next);
        }
        self.balanced(left, top, right)
    }

    /// The tree of `left`, node `at` and `right`, in this order, of which one is higher by two at most.
    fn balanced(&mut self, left: usize, at: usize, right: usize) -> usize {
        if self.height(left) > self.height(right) + 1 {
            let (outer, inner) = self.children(left);
            if self.height(outer) >= self.height(inner) {
                self.set_children(at, inner, right);
                return self.set_children(left, outer, at);
            }
            let (lower, upper) = self.children(inner);
            self.set_children(left, outer, lower);
            self.set_children(at, upper, right);
            return self.set_children(inner, left, at);
        }
        if self.height(right) > self.height(left) + 1 {
            let (inner, outer) = self.children(right);
            if self.height(outer) >= self.height(inner) {
                self.set_children(at, left, inner);
                return self.set_children(right, at, outer);
            }
            let (lower, upper) = self.children(inner);
            self.set_children(at, left, lower);
            self.set_children(right, upper, outer);
            return self.set_children(inner, at, right);
        }
        self.set_children(at, left, right)
    }

    fn height(&self, at: usize) -> u8 {
        self.nodes.get(at).map_or(0, |node| node.height)
    }

    fn children(&self, at: usize) -> (usize, usize) {
        self.nodes.get(at).map_or((NONE, NONE), |node| (node.left, node.right))
    }

    /// Has the trees `left` and `right` hang from node `at`, and returns it.
    fn set_children(&mut self, at: usize, left: usize, right: usize) -> usize {
        let height = 1 + self.height(left).max(self.height(right));
        if let Some(node) = self.nodes.get_mut(at) {
            (node.left, node.right, node.height, node.taken) = (left, right, height, None);
        }
        at
    }

    /// What the lists from node `at` down take.
    fn taken_below(&mut self, at: usize) -> Taken {
        let Some(node) = self.nodes.get(at) else { return Taken::NOTHING };
        if let Some(taken) = node.taken {
            return taken;
        }
        let (left, own, right) = (node.left, node.own.unwrap_or_else(|| Taken::by(node.list.spans())), node.right);
        let taken = self.taken_below(left).and(own).and(self.taken_below(right));
        if let Some(node) = self.nodes.get_mut(at) {
            (node.own, node.taken) = (Some(own), Some(taken));
        }
        taken
    }

    /// Whether `search` ends among the lists.
    pub fn has_room(&mut self, search: &mut Search<impl Fn(usize) -> usize>) -> bool {
        self.has_room_below(self.root, search)
    }

    fn has_room_below(&mut self, at: usize, search: &mut Search<impl Fn(usize) -> usize>) -> bool {
        let taken = self.taken_below(at);
        if taken.end <= search.candidate || taken.largest_room < search.len_bytes {
            return search.ends_before(taken.start, taken.end);
        }
        let Some(&Node { left, right, .. }) = self.nodes.get(at) else { return false };
        self.has_room_below(left, search)
            || self.nodes.get(at).is_some_and(|node| search.ends_among(node.list.spans()))
            || self.has_room_below(right, search)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, steps};
    use alloc::collections::BTreeSet;

    /// Heights are true, and those of neighbours differ by one at most; how many lists there are.
    fn check(tree: &SpanTree, at: usize) -> usize {
        let Some(node) = tree.nodes.get(at) else { return 0 };
        let (left, right) = (tree.height(node.left), tree.height(node.right));
        assert_eq!(node.height, 1 + left.max(right));
        assert!(left.abs_diff(right) <= 1 && node.height <= MOST_HEIGHT);
        check(tree, node.left) + 1 + check(tree, node.right)
    }

    /// The height of a tree with lists that start at `starts`, inserted in this order.
    fn height_of(starts: impl Iterator<Item = usize>) -> u8 {
        let (mut tree, mut count) = (SpanTree::new(), 0);
        for start in starts {
            let room = tree.room().expect("there is memory");
            tree.insert(room, start, SpanList::new());
            count += 1;
        }
        assert_eq!(check(&tree, tree.root), count);
        tree.height(tree.root)
    }

    /// Whoever decides where lists start does not decide how deep the tree is, not even who knows the numbers of nodes and what spreads
    /// them.
    #[test]
    fn no_order_makes_it_deep() {
        let count = if cfg!(miri) { 300 } else { 20_000 };
        let most = (1.45 * f64::from(count as u32).log2()) as u8;
        assert!(height_of(0..count) <= most);
        assert!(height_of((0..count).rev()) <= most);
        assert!(height_of((0..count).map(|at| if at % 2 == 0 { at } else { 2 * count - at })) <= most);
        // As a treap, with ranks that come from a node's number, would be a chain.
        assert!(height_of((0..count).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15))) <= most);
    }

    /// The fewest nodes of a height one too many are more than there may be.
    #[test]
    fn there_are_too_few_lists_for_a_deep_tree() {
        let (mut fewest, mut next) = (1, 2);
        for _ in 1..=MOST_HEIGHT {
            (fewest, next) = (next, fewest + next + 1);
        }
        assert!(fewest > MOST_LISTS, "{fewest} nodes are that high");
        if !cfg!(miri) {
            let mut tree = SpanTree::new();
            for start in 0..MOST_LISTS {
                let room = tree.room().expect("there is memory");
                tree.insert(room, start, SpanList::new());
            }
            assert!(tree.room().is_err());
            assert_eq!(check(&tree, tree.root), MOST_LISTS);
        }
    }

    /// Lists come and go, against a set of where they start.
    #[test]
    fn behaves_like_a_set() {
        let (mut random, mut tree, mut model) = (TestRandom(1), SpanTree::new(), BTreeSet::new());
        for step in 0..steps(20_000) {
            let start = random.below(500) as usize;
            let is_there = tree.nodes.get(tree.position(start, 0).0).is_some_and(|node| node.start == start);
            assert_eq!(is_there, model.contains(&start));
            if random.below(50) == 0 {
                assert_eq!(tree.remove_last().map(|(start, _)| start), model.pop_last());
            } else if model.remove(&start) {
                assert!(tree.remove(tree.position(start, 0).0, start).is_some());
            } else {
                let room = tree.room().expect("there is memory");
                tree.insert(room, start, SpanList::new());
                model.insert(start);
            }
            if step % 20 == 0 {
                assert_eq!(check(&tree, tree.root), model.len());
                assert!(tree.nodes.len() <= 500, "nodes are used again");
            }
        }
    }
}
