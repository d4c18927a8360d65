//! An interval map from pages to what is known of them, with changes, and a search for room, in a time that grows with the logarithm
//! of how many spans of equal pages there are. It only keeps the books; who touches memory is `address_space.rs`.
//!
//! The youngest spans, where mmap appends, are a list; as long as there are few, that is all of it. What does not fit there is a
//! tree of such lists (`span_tree.rs`). Each list knows the pages from its start up to the next list's, so spans of two lists
//! may be alike and neighbours.

use crate::abi::memory::{PROT_ALL, PROT_NONE};
use crate::errno::Errno;
use crate::subsystems::span_list::{Piece, Span, SpanList};
use crate::subsystems::span_tree::{Search, SpanTree};

/// What a page holds, seen from the next one who may read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contents {
    /// Zeros: nobody ever wrote it.
    Zero,
    /// What its mapping put there.
    Live,
    /// Leftovers, to be zeroed before anybody may read them.
    Stale,
    /// Bytes of a file, shared with it: who takes the page away tells the file (`shared_pages.rs`).
    Shared,
}

/// What is known of a page, in one byte, so that pages are compared at once. A page without an entry is unmapped and zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page(u8);

/// Set if the page is mapped and no file's to be told of; the bits below are its protection and what address spaces add to it.
const MAPPED: u8 = 1 << 5;
/// What it holds, if not zeros. Live alone is a shared page, so that what is quick leaves it to who tells the file.
const LIVE: u8 = 1 << 6;
const STALE: u8 = 1 << 7;
const LOCKED: u8 = LIVE | STALE; // what is live or shared, and kept in memory

impl Page {
    /// A page that is mapped with `protection` (5 bits).
    pub const fn mapped(protection: u8, contents: Contents) -> Page {
        Page(protection & (MAPPED - 1) | Page::bits(contents))
    }

    /// A page that nobody ever had, mapped.
    pub const fn fresh(protection: u8) -> Page {
        Page::mapped(protection, if protection & PROT_ALL == PROT_NONE { Contents::Zero } else { Contents::Live })
    }

    /// A page that is not mapped and holds leftovers.
    pub const STALE: Page = Page(STALE);

    const fn bits(contents: Contents) -> u8 {
        match contents {
            Contents::Zero => MAPPED,
            Contents::Live => MAPPED | LIVE,
            Contents::Stale => MAPPED | STALE,
            Contents::Shared => LIVE,
        }
    }

    /// Whether it is kept in memory (mlock(2)).
    pub const fn is_locked(self) -> bool {
        self.0 & LOCKED == LOCKED
    }

    /// It, kept in memory or not. It is mapped and live, or shared.
    pub const fn with_lock(self, is_locked: bool) -> Page {
        Page(if is_locked {
            self.0 | LOCKED
        } else if self.is_locked() {
            self.0 & !STALE
        } else {
            self.0
        })
    }

    /// Whether it is mapped.
    pub const fn is_mapped(self) -> bool {
        self.0 & (MAPPED | LIVE) != 0
    }

    /// Whether it is mapped and nobody must be told when it goes.
    pub const fn is_plain(self) -> bool {
        self.0 & MAPPED != 0
    }

    /// Whether it holds zeros that nobody ever wrote.
    pub const fn is_zero(self) -> bool {
        self.0 & (LIVE | STALE) == 0
    }

    /// With which protection it is mapped, if it is.
    pub const fn protection(self) -> Option<u8> {
        if self.is_mapped() { Some(self.0 & (MAPPED - 1)) } else { None }
    }

    /// What it holds.
    pub const fn contents(self) -> Contents {
        match self.0 & (MAPPED | LIVE) {
            LIVE => Contents::Shared,
            _ if self.is_zero() => Contents::Zero,
            _ if self.0 & LIVE != 0 => Contents::Live,
            _ => Contents::Stale,
        }
    }
}

/// The map.
#[derive(Debug)]
pub struct PageMap {
    /// What is known from `last_start` on. It has spans if `older` has lists.
    last: SpanList,
    last_start: usize,
    /// What is known below.
    older: SpanTree,
}

impl PageMap {
    /// No page is mapped, all are zero.
    pub const fn new() -> PageMap {
        PageMap { last: SpanList::new(), last_start: 0, older: SpanTree::new() }
    }

    /// Where the last span ends, if there is one.
    pub fn end(&self) -> Option<usize> {
        self.last.spans().last().map(|last| last.end)
    }

    /// The pages that begin at `start`, as far as they are known to be alike, but not beyond `end`.
    #[inline(never)]
    pub fn piece(&self, start: usize, end: usize) -> Piece {
        if start < self.last_start { self.older_piece(start, end) } else { self.last.piece(start, end) }
    }

    #[cold]
    #[inline(never)]
    fn older_piece(&self, start: usize, end: usize) -> Piece {
        let (list, end) = self.older.find(start, end.min(self.last_start)).unwrap_or((&self.last, end));
        list.piece(start, end)
    }

    /// Whether no page of `start..end` is mapped.
    pub fn is_free(&self, mut start: usize, end: usize) -> bool {
        while start < end {
            let piece = self.piece(start, end);
            if piece.page.is_some_and(Page::is_mapped) {
                return false;
            }
            start = piece.end;
        }
        true
    }

    /// Makes the pages of `start..end`, of which the map knows nothing, be `page`; cheap if it knows nothing behind either.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    #[inline(never)]
    pub fn append(&mut self, start: usize, end: usize, page: Page) -> Result<(), Errno> {
        let is_full = !self.last.has_room() && !self.last.make_room()?;
        if !is_full && self.append_quickly(start, end, page).is_some() {
            return Ok(());
        }
        self.set(start, end, Some(page))
    }

    /// [`SpanList::append_quickly`].
    #[inline]
    pub fn append_quickly(&mut self, start: usize, end: usize, page: Page) -> Option<()> {
        self.last.append_quickly(start, end, page)
    }

    /// [`SpanList::split_last`].
    #[inline]
    pub fn split_last(&mut self, start: usize, end: usize, old: Page, page: Page) -> bool {
        self.last.split_last(start, end, old, page)
    }

    /// [`SpanList::retire`], where that is among the youngest.
    #[inline]
    pub fn retire(&mut self, start: usize, end: usize, most_zeros: usize) -> bool {
        self.last.retire(start, end, most_zeros)
    }

    /// The same among all others.
    #[inline]
    pub fn retire_older(&mut self, start: usize, end: usize, most_zeros: usize) -> bool {
        let is_older = start < self.last_start;
        let (_, list, list_end) = self.list_mut(start, end);
        is_older && end <= list_end && list.retire(start, end, most_zeros)
    }

    /// [`SpanList::begin_quickly`].
    #[inline]
    pub fn begin_quickly(&mut self) -> Option<()> {
        self.last.begin_quickly()
    }

    /// Makes the youngest spans as long as possible again.
    #[inline]
    pub fn join(&mut self) {
        self.last.join();
    }

    /// Makes all pages of `start..piece.end` be `page`, where `piece` is what [`piece`](Self::piece) just found at `start`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    #[inline(never)]
    pub fn set_piece(&mut self, start: usize, piece: Piece, page: Option<Page>) -> Result<(), Errno> {
        match page {
            Some(page) if start >= self.last_start && self.last.has_room() => self.last.set_piece(start, piece, page),
            _ => self.set(start, piece.end, page),
        }
    }

    /// Makes all pages of `start..end` be `page`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed from some page on.
    #[inline(never)]
    pub fn set(&mut self, mut start: usize, end: usize, page: Option<Page>) -> Result<(), Errno> {
        while start < end {
            let is_older = start < self.last_start;
            let (_, list, list_end) = self.list_mut(start, end);
            if !list.has_room() && !list.make_room()? {
                self.split(start)?;
                continue;
            }
            if page.and_then(|page| list.append_quickly(start, list_end, page)).is_none() {
                list.set(start, list_end, page)?;
            }
            if is_older && list.is_short() {
                self.older.unite(start);
            }
            start = list_end;
        }
        while page.is_none()
            && self.last.is_empty()
            && let Some((start, list)) = self.older.remove_last()
        {
            (self.last_start, self.last) = (start, list);
        }
        Ok(())
    }

    /// The list that knows `address`, to be changed: where it starts, itself, and where what it knows ends, at most at `end`.
    #[inline]
    fn list_mut(&mut self, address: usize, end: usize) -> (&mut usize, &mut SpanList, usize) {
        if address < self.last_start
            && let Some((node, end)) = self.older.find_mut(address, end.min(self.last_start))
        {
            return (&mut node.start, &mut node.list, end);
        }
        (&mut self.last_start, &mut self.last, end)
    }

    /// Makes two lists of the one that knows `address`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    #[cold]
    #[inline(never)]
    fn split(&mut self, address: usize) -> Result<(), Errno> {
        let mut lower = SpanList::for_half()?;
        let room = self.older.room()?;
        let (start, list, _) = self.list_mut(address, address);
        let lower_start = core::mem::replace(start, list.move_lower(&mut lower));
        self.older.insert(room, lower_start, lower);
        Ok(())
    }

    /// Where the lowest `len_bytes` that are not mapped begin, from `first_free` on and where `align` says, or, if they do not fit before
    /// what is mapped, where they could begin behind.
    #[inline]
    pub fn lowest_room(&mut self, first_free: usize, len_bytes: usize, align: impl Fn(usize) -> usize) -> usize {
        let mut search = Search { candidate: align(first_free), len_bytes, align };
        if self.last_start == 0 || !self.older.has_room(&mut search) {
            search.ends_among(self.last.from(first_free));
        }
        search.candidate
    }

    /// Every span, ascending.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let mut next = Some(0);
        let lists = core::iter::from_fn(move || match self.older.find(next?, self.last_start) {
            Some((list, end)) if next? < self.last_start => {
                next = Some(end);
                Some(list)
            }
            _ => {
                next = None;
                Some(&self.last)
            }
        });
        lists.flat_map(|list| list.spans().iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, rounds, steps};
    use alloc::{vec, vec::Vec};

    const KINDS: [Option<Page>; 6] = [
        None,
        None,
        Some(Page::mapped(3, Contents::Live)),
        Some(Page::mapped(3, Contents::Live).with_lock(true)),
        Some(Page::mapped(0, Contents::Zero)),
        Some(Page::STALE),
    ];

    /// What is known, and one entry per page.
    struct Pair {
        map: PageMap,
        model: Vec<Option<Page>>,
    }

    impl Pair {
        /// Does something to some pages from `start` on, up to `end` at most.
        fn change(&mut self, random: &mut TestRandom, start: usize, end: usize) {
            let Pair { map, model } = self;
            let page = KINDS[random.below(KINDS.len() as u64) as usize];
            match (random.below(5), page) {
                (4, Some(page)) => {
                    let last = map.last.spans().last().copied();
                    let is_end = last.is_some_and(|span| span.start < start && start < span.end && span.end == end);
                    let changes = is_end && last.is_some_and(|span| span.page != page);
                    let old = last.map_or(page, |span| span.page);
                    let other = KINDS.iter().flatten().find(|&&other| other != old).copied().unwrap_or(old);
                    assert!(!map.split_last(start, end, other, page), "they are others");
                    let is_split = map.split_last(start, end, old, page);
                    assert!(is_split == changes || changes && !map.last.has_room());
                    if is_split {
                        model[start..end].fill(Some(page));
                    }
                }
                (0, Some(page)) if start < end && model[start..end].iter().all(Option::is_none) => {
                    assert_eq!(map.append(start, end, page), Ok(()));
                    model[start..end].fill(Some(page));
                }
                (1, _) if start < end => {
                    let piece = map.piece(start, end);
                    assert_eq!(map.set_piece(start, piece, page), Ok(()));
                    model[start..piece.end].fill(page);
                }
                (2, _) if map.retire(start, end, 2) || map.retire_older(start, end, 2) => {
                    assert!(model[start..end].iter().all(|page| page.is_some_and(Page::is_mapped)));
                    model[start..end].fill(Some(Page::STALE));
                }
                _ => {
                    assert_eq!(map.set(start, end, page), Ok(()));
                    model[start..end].fill(page);
                }
            }
        }

        /// What is known of each page, how much is mapped, and where there is room.
        fn check(&mut self, random: &mut TestRandom) {
            let Pair { map, model } = self;
            let count = model.len();
            for (number, &page) in model.iter().enumerate() {
                let piece = map.piece(number, count);
                assert_eq!(piece.page, page);
                assert!(piece.end > number && model[number..piece.end].iter().all(|&other| other == page));
            }
            let is_mapped = |page: &Option<Page>| page.is_some_and(Page::is_mapped);
            let mapped = map.spans().filter(|span| span.page.is_mapped());
            assert_eq!(
                mapped.map(|span| span.end - span.start).sum::<usize>(),
                model.iter().filter(|page| is_mapped(page)).count()
            );
            let (len, step) = (1 + random.below(6) as usize, 1 + random.below(2) as usize);
            let first_free = model.iter().position(|page| !is_mapped(page)).unwrap_or(count);
            let from = first_free + random.below(2) as usize * random.below((count - first_free) as u64 + 1) as usize;
            let is_free = |&at: &usize| model[at..(at + len).min(count)].iter().all(|page| !is_mapped(page));
            let expected = (from.next_multiple_of(step)..).step_by(step).find(|at| *at >= count || is_free(at));
            assert_eq!(Some(map.lowest_room(from, len, |address| address.next_multiple_of(step))), expected);
        }

        /// Spans lie where their lists say, in their order, and the last ones are as long as possible.
        fn check_lists(&mut self) -> usize {
            let is_joined = |list: &SpanList| {
                let mut pairs = list.spans().windows(2);
                pairs.all(|two| two[0].end < two[1].start || two[0].end == two[1].start && two[0].page != two[1].page)
            };
            self.map.join();
            let (mut starts, mut count, mut was_short) = (vec![0], 0, false);
            while let Some((list, end)) = self.map.older.find(starts[count], self.map.last_start)
                && starts[count] < self.map.last_start
            {
                let inside = |span: &Span| span.start >= starts[count] && span.end <= end;
                assert!(list.spans().iter().all(inside));
                assert!(!(core::mem::replace(&mut was_short, list.is_short()) && was_short), "they are united");
                starts.push(end);
                count += 1;
            }
            let last = self.map.last.spans();
            assert!(last.first().map_or(count == 0, |first| first.start >= self.map.last_start));
            assert!(is_joined(&self.map.last), "{:?}", self.map.last);
            assert!(self.map.spans().is_sorted_by_key(|span| span.end));
            count
        }
    }

    /// Random changes against one entry per page, with as many lists as there may be, and few again.
    #[test]
    fn behaves_like_an_array_of_pages() {
        for (pages, rounds_count, most_lists) in [(40, rounds(200), 1), (600, rounds(40), 15)] {
            let mut lists_seen = 0;
            for seed in 0..rounds_count {
                let mut random = TestRandom(seed);
                let mut pair = Pair { map: PageMap::new(), model: vec![None; pages] };
                for step in 0..steps(1200) {
                    // Small changes make many spans, and large ones few.
                    let longest = if step % 300 < 290 { 4 } else { pages as u64 };
                    let start = random.below(pages as u64) as usize;
                    let end = pages.min(start + random.below(longest) as usize);
                    pair.change(&mut random, start, end);
                    if random.below(6) == 0 {
                        pair.check(&mut random);
                        lists_seen = lists_seen.max(pair.check_lists());
                    }
                }
                assert_eq!(pair.map.set(0, pages, None), Ok(()));
                assert_eq!(pair.check_lists(), 0, "lists that know nothing go");
                assert_eq!(pair.map.spans().next(), None);
            }
            assert!(cfg!(miri) || lists_seen >= most_lists, "only {lists_seen} lists");
        }
    }

    /// Lists of which little is left become one, whether it goes at once or page by page.
    #[test]
    fn short_lists_are_united() {
        let (live, other) = (Page::mapped(3, Contents::Live), Page::mapped(1, Contents::Live));
        for order in 0..3 {
            let mut pair = Pair { map: PageMap::new(), model: Vec::new() };
            let set = |pair: &mut Pair, start, end, page| assert_eq!(pair.map.set(start, end, Some(page)), Ok(()));
            (0..300).for_each(|at| set(&mut pair, at, at + 1, [live, other][at % 2]));
            assert!(pair.check_lists() > 20);
            let part = |at| [(0, 300), (at, at + 1), (299 - at, 300 - at)][order];
            (0..300).map(part).for_each(|(start, end)| set(&mut pair, start, end, live));
            assert!(pair.check_lists() <= 1);
            assert!(pair.map.spans().all(|span| span.page == live));
        }
    }
}
