//! An interval map from pages to what is known of them: spans of equal pages, sorted and disjoint. Found by bisection; what lies
//! behind a change moves, so changes at the end, where mmap appends, cost the least. Spans are as long as possible, but not where
//! memory was given back in haste (`retired_spans.rs`). It only keeps the books; who touches memory is `address_space.rs`.

use crate::abi::memory::{PROT_ALL, PROT_NONE};
use crate::errno::Errno;
use crate::subsystems::kernel_heap::fresh_vector;
use crate::subsystems::retired_spans::Retired;
use crate::subsystems::shifting::{insert, remove};
use alloc::vec::Vec;

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

/// Equal pages from address `start` up to, not including, `end`. Of a size whose multiples are a shift.
#[repr(align(32))]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First address.
    pub start: usize,
    /// First address behind.
    pub end: usize,
    /// What all these pages are.
    pub page: Page,
}

/// Index of the first of `spans` that ends behind `address`.
#[inline(always)]
pub fn index_of(spans: &[Span], address: usize) -> usize {
    match spans.last() {
        // The youngest pages are asked for most.
        Some(last) if last.start <= address => spans.len() - usize::from(last.end > address),
        _ => spans.partition_point(|span| span.end <= address),
    }
}

/// For how many spans room is made at first: copying them to larger room costs more than the room.
const FIRST_SPANS: usize = 32;

/// The map.
#[derive(Debug)]
pub struct PageMap {
    spans: Vec<Span>,
    retired: Retired,
}

/// Pages that are alike, as [`PageMap::piece`] found them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Where they end.
    pub end: usize,
    /// What they are.
    pub page: Option<Page>,
    /// The first span that ends behind where they begin.
    index: usize,
}

impl PageMap {
    /// No page is mapped, all are zero.
    pub const fn new() -> PageMap {
        PageMap { spans: Vec::new(), retired: Retired::new() }
    }

    /// Every span, ascending.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The spans from the one that holds `address`, or the next behind it.
    pub fn from(&self, address: usize) -> &[Span] {
        self.spans.get(self.index(address)..).unwrap_or(&[])
    }

    fn index(&self, address: usize) -> usize {
        index_of(&self.spans, address)
    }

    /// The pages that begin at `start`, as far as they are alike but not beyond `end`.
    #[inline(never)]
    pub fn piece(&self, start: usize, end: usize) -> Piece {
        let index = self.index(start);
        match self.spans.get(index) {
            Some(span) if span.start <= start => Piece { end: span.end.min(end), page: Some(span.page), index },
            Some(span) => Piece { end: span.start.min(end), page: None, index },
            None => Piece { end, page: None, index },
        }
    }

    /// Makes the pages of `start..end`, of which the map knows nothing, be `page`; cheap if it knows nothing behind either.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    pub fn append(&mut self, start: usize, end: usize, page: Page) -> Result<(), Errno> {
        if self.append_quickly(start, end, page).is_some() {
            return Ok(());
        }
        if self.spans.last().is_some_and(|last| last.end > start) {
            return self.set(start, end, Some(page));
        }
        self.join();
        self.grow()?;
        self.spans.push(Span { start, end, page });
        Ok(())
    }

    /// Makes spans as long as possible again.
    #[inline]
    pub fn join(&mut self) {
        self.retired.join(&mut self.spans);
    }

    /// The same where there is no room for more spans.
    #[inline]
    pub fn join_if_full(&mut self) {
        if self.spans.len() == self.spans.capacity() {
            self.join();
        }
    }

    /// Makes all pages of `start..end` be [`Page::STALE`], where that moves nothing; elsewhere nothing happens, and it is false: see
    /// [`Retired::retire`].
    #[inline]
    pub fn retire(&mut self, start: usize, end: usize, most_zeros: usize) -> bool {
        self.retired.retire(&mut self.spans, start, end, most_zeros)
    }

    /// As [`append`](Self::append), where that is cheap and there is room for one more span; `None`, and nothing happens,
    /// elsewhere. It calls nothing.
    #[inline]
    pub fn append_quickly(&mut self, start: usize, end: usize, page: Page) -> Option<()> {
        if let Some(last) = self.spans.last_mut() {
            if last.end == start && last.page == page {
                last.end = end;
                return Some(());
            }
            if last.end > start {
                return None;
            }
        }
        if self.spans.len() == self.spans.capacity() {
            return None;
        }
        self.spans.push(Span { start, end, page });
        Some(())
    }

    /// Makes all pages of `start..end` be `page`, if they are the end of the last span, which is of `old` ones, but not all of
    /// it; otherwise nothing happens, and it is false. It calls nothing.
    #[inline]
    pub fn split_last(&mut self, start: usize, end: usize, old: Page, page: Page) -> bool {
        let Some(&last) = self.spans.last() else { return false };
        if last.end != end || last.start >= start || start >= end || last.page != old || page == old {
            return false;
        }
        let count = self.spans.len();
        if count == self.spans.capacity() {
            return false;
        }
        // Right behind the question for room, or it is asked again.
        self.spans.push(Span { start, end, page });
        if let Some(last) = self.spans.get_mut(count - 1) {
            last.end = start;
        }
        true
    }

    /// Makes room for the first spans, where that takes no call; `None` elsewhere.
    #[inline]
    pub fn begin_quickly(&mut self) -> Option<()> {
        let room = fresh_vector::<Span, { FIRST_SPANS * size_of::<Span>() }>()?;
        // There is nothing to give back in a map that is empty.
        core::mem::forget(core::mem::replace(&mut self.spans, room));
        Some(())
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) -> Result<(), Errno> {
        let more = if self.spans.capacity() == 0 { FIRST_SPANS } else { 2 };
        self.spans.try_reserve(more).map_err(|_| Errno::ENOMEM)
    }

    /// Makes all pages of `start..piece.end` be `page`, where `piece` is what [`piece`](Self::piece) just found at `start`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    #[inline(never)]
    pub fn set_piece(&mut self, start: usize, piece: Piece, page: Option<Page>) -> Result<(), Errno> {
        if self.spans.len() == self.spans.capacity() {
            self.grow()?;
        }
        let (before, from) = self.spans.split_at_mut_checked(piece.index).unwrap_or((&mut [], &mut []));
        let (Some(page), [span, behind @ ..]) = (page, from) else { return self.set(start, piece.end, page) };
        let like_before = before.last_mut().filter(|before| before.end == start && before.page == page);
        let like_behind = behind.first_mut().filter(|behind| behind.start == piece.end && behind.page == page);
        // The common cases: a whole span changes, or its beginning or end, and at most one neighbour is alike then.
        match (span.start == start, span.end == piece.end, like_before, like_behind) {
            (true, true, Some(before), None) => {
                before.end = piece.end;
                remove(&mut self.spans, piece.index, 1);
                Ok(())
            }
            (true, true, None, None) => {
                span.page = page;
                Ok(())
            }
            (true, false, Some(before), _) if span.page != page => {
                before.end = piece.end;
                span.start = piece.end;
                Ok(())
            }
            (true, false, None, _) if span.page != page => {
                span.start = piece.end;
                insert(&mut self.spans, piece.index, Span { start, end: piece.end, page })
            }
            (false, true, _, Some(behind)) if span.page != page => {
                behind.start = start;
                span.end = start;
                Ok(())
            }
            (false, true, _, None) if span.start < start && span.page != page => {
                span.end = start;
                insert(&mut self.spans, piece.index + 1, Span { start, end: piece.end, page })
            }
            _ => self.set(start, piece.end, Some(page)),
        }
    }

    /// Makes all pages of `start..end` be `page`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    #[inline(never)]
    pub fn set(&mut self, start: usize, end: usize, page: Option<Page>) -> Result<(), Errno> {
        if start >= end {
            return Ok(());
        }
        if self.spans.capacity() - self.spans.len() < 2 {
            self.grow()?;
        }
        let mut first = self.index(start);
        let (mut new_start, mut new_end) = (start, end);
        let (mut left, mut right) = (None, None);
        // A span that ends at `start` or begins before it: it grows, or keeps what lies before.
        if let Some(before) = first.checked_sub(1).and_then(|index| self.spans.get(index))
            && before.end == start
            && Some(before.page) == page
        {
            new_start = before.start;
            first -= 1;
        }
        let mut count = 0;
        for span in self.spans.get(first..).unwrap_or(&[]) {
            let is_alike = Some(span.page) == page;
            if span.start > end || span.start == end && !is_alike {
                break;
            }
            count += 1;
            if span.start < start {
                if is_alike {
                    new_start = span.start;
                } else {
                    left = Some(Span { end: start, ..*span });
                }
            }
            if span.end > end {
                if is_alike {
                    new_end = span.end;
                } else {
                    right = Some(Span { start: end, ..*span });
                }
            }
        }
        let middle = page.map(|page| Span { start: new_start, end: new_end, page });
        let mut at = first;
        let mut old = count;
        for span in [left, middle, right].into_iter().flatten() {
            match self.spans.get_mut(at) {
                Some(slot) if old > 0 => {
                    *slot = span;
                    old -= 1;
                }
                _ => insert(&mut self.spans, at, span)?,
            }
            at += 1;
        }
        if old > 0 {
            remove(&mut self.spans, at, old);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, rounds, steps};
    use alloc::vec;

    /// Random changes against one entry per page.
    #[test]
    fn behaves_like_an_array_of_pages() {
        const PAGES: usize = 40;
        let kinds = [
            None,
            None,
            Some(Page::mapped(3, Contents::Live)),
            Some(Page::mapped(3, Contents::Live).with_lock(true)),
            Some(Page::mapped(0, Contents::Zero)),
            Some(Page::STALE),
        ];
        for seed in 0..rounds(300) {
            let mut random = TestRandom(seed);
            let (mut map, mut model) = (PageMap::new(), vec![None; PAGES]);
            for _ in 0..steps(100) {
                let start = random.below(PAGES as u64) as usize;
                let end = start + random.below((PAGES - start) as u64 + 1) as usize;
                let page = kinds[random.below(kinds.len() as u64) as usize];
                match (random.below(5), page) {
                    (4, Some(page)) => {
                        let last = map.spans().last().copied();
                        let is_end = last.is_some_and(|span| span.start < start && start < span.end && span.end == end);
                        let changes = is_end && last.is_some_and(|span| span.page != page);
                        let has_room = map.spans.len() < map.spans.capacity();
                        let old = last.map_or(page, |span| span.page);
                        let other = kinds.iter().flatten().find(|&&other| other != old).copied().unwrap_or(old);
                        assert!(!map.split_last(start, end, other, page), "they are others");
                        assert_eq!(map.split_last(start, end, old, page), changes && has_room);
                        if changes && has_room {
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
                    _ => {
                        assert_eq!(map.set(start, end, page), Ok(()));
                        model[start..end].fill(page);
                    }
                }
                for (number, &page) in model.iter().enumerate() {
                    let Piece { end: piece_end, page: found, .. } = map.piece(number, PAGES);
                    assert_eq!(found, page);
                    assert!(piece_end > number && model[number..piece_end].iter().all(|&other| other == page));
                }
                for pair in map.spans().windows(2) {
                    let apart = pair[0].end < pair[1].start;
                    assert!(apart || pair[0].end == pair[1].start && pair[0].page != pair[1].page, "not merged");
                }
            }
        }
    }
}
