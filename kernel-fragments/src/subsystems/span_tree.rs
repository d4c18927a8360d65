//! Lists of spans in a treap, a search tree by where they start that is kept flat by numbers which look random: whatever comes, it
//! is as deep as a logarithm of how many lists there are. Who changes a list has all nodes above it forget what is taken below
//! them; who looks for room has them learn it again, so both take as long as the tree is deep.

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
    /// What this list takes, and with it those below, unless one of them changed.
    own: Option<Taken>,
    taken: Option<Taken>,
}

/// No node.
const NONE: usize = usize::MAX;

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

    /// The list that knows `address`, and where what it knows ends, at most at `end`.
    pub fn find(&self, address: usize, mut end: usize) -> Option<(&SpanList, usize)> {
        let (mut at, mut found) = (self.root, None);
        while let Some(node) = self.nodes.get(at) {
            if address < node.start {
                (at, end) = (node.left, end.min(node.start));
            } else {
                (at, found) = (node.right, Some(&node.list));
            }
        }
        Some((found?, end))
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

    /// Makes room for one more list.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn reserve(&mut self) -> Result<(), Errno> {
        if self.unused == NONE { self.nodes.try_reserve(1).map_err(|_| Errno::ENOMEM) } else { Ok(()) }
    }

    /// Adds a list that starts at `start`, where none does. There [is room](Self::reserve) for it.
    pub fn insert(&mut self, start: usize, list: SpanList) {
        let new = Node { start, list, left: NONE, right: NONE, own: None, taken: None };
        let at = match self.nodes.get_mut(self.unused) {
            Some(node) => {
                let next = node.left;
                *node = new;
                core::mem::replace(&mut self.unused, next)
            }
            None => {
                if self.nodes.len() < self.nodes.capacity() {
                    self.nodes.push(new);
                }
                self.nodes.len() - 1
            }
        };
        let (below, above) = self.split(self.root, start);
        let below = self.merge(below, at);
        self.root = self.merge(below, above);
    }

    /// Takes the last list out, and says where it starts.
    #[cold]
    #[inline(never)]
    pub fn remove_last(&mut self) -> Option<(usize, SpanList)> {
        let start = self.find_mut(usize::MAX, 0)?.0.start;
        let (below, at) = self.split(self.root, start);
        self.root = below;
        let node = self.nodes.get_mut(at)?;
        node.left = core::mem::replace(&mut self.unused, at);
        Some((start, core::mem::replace(&mut node.list, SpanList::new())))
    }

    /// Divides the tree of node `at` into the lists that start before `start`, and the others.
    fn split(&mut self, at: usize, start: usize) -> (usize, usize) {
        let Some(node) = self.nodes.get(at) else { return (NONE, NONE) };
        let (left, right) = (node.left, node.right);
        if node.start < start {
            let (below, above) = self.split(right, start);
            self.set_children(at, left, below);
            (at, above)
        } else {
            let (below, above) = self.split(left, start);
            self.set_children(at, above, right);
            (below, at)
        }
    }

    /// One tree of two, of which `above` has the lists behind those of `below`.
    fn merge(&mut self, below: usize, above: usize) -> usize {
        let (Some(first), Some(second)) = (self.nodes.get(below), self.nodes.get(above)) else {
            return below.min(above);
        };
        if rank(below) > rank(above) {
            let (left, right) = (first.left, first.right);
            let right = self.merge(right, above);
            self.set_children(below, left, right);
            below
        } else {
            let (left, right) = (second.left, second.right);
            let left = self.merge(below, left);
            self.set_children(above, left, right);
            above
        }
    }

    fn set_children(&mut self, at: usize, left: usize, right: usize) {
        if let Some(node) = self.nodes.get_mut(at) {
            (node.left, node.right, node.taken) = (left, right, None);
        }
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

/// How high a node stands: above those with lower ranks. Multiples of the golden ratio, of which any few are spread evenly.
fn rank(index: usize) -> usize {
    index.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
