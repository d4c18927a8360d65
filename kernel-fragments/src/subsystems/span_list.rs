//! Spans of equal pages in one piece of memory, found by bisection. What lies behind a change moves, so there are never more than
//! [`MOST_SPANS`]: `page_map.rs` makes maps of as many lists as it takes. Spans are as long as possible, but not where memory was
//! given back in haste (`retired_spans.rs`).

use crate::errno::Errno;
use crate::subsystems::kernel_heap::fresh_vector;
use crate::subsystems::page_map::Page;
use crate::subsystems::retired_spans::Retired;
use crate::subsystems::shifting::{insert, remove};
use alloc::vec::Vec;

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

/// How many spans a list holds at most. Few in tests, which look for mistakes between lists.
const MOST_SPANS: usize = if cfg!(test) { 16 } else { 64 };
/// For how many spans room is made at first: copying them to larger room costs more than the room.
const FIRST_SPANS: usize = MOST_SPANS / 2;

/// The list.
#[derive(Debug)]
pub struct SpanList {
    spans: Vec<Span>,
    retired: Retired,
}

/// Pages that are alike, as [`SpanList::piece`] found them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Where they end.
    pub end: usize,
    /// What they are.
    pub page: Option<Page>,
    /// The first span that ends behind where they begin.
    index: usize,
}

impl SpanList {
    /// No spans.
    pub const fn new() -> SpanList {
        SpanList { spans: Vec::new(), retired: Retired::new() }
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
    #[inline]
    pub fn piece(&self, start: usize, end: usize) -> Piece {
        let index = self.index(start);
        match self.spans.get(index) {
            Some(span) if span.start <= start => Piece { end: span.end.min(end), page: Some(span.page), index },
            Some(span) => Piece { end: span.start.min(end), page: None, index },
            None => Piece { end, page: None, index },
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.spans.iter().all(|span| span.start == span.end)
    }

    /// Whether there is room for the two spans more that a change can make.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.spans.capacity() - self.spans.len() >= 2
    }

    /// Makes that room where it is missing, and says whether it could: else the list must be [`split`](Self::split).
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    #[inline(never)]
    pub fn make_room(&mut self) -> Result<bool, Errno> {
        self.join();
        if !self.has_room() && self.spans.capacity() < MOST_SPANS {
            let wanted = if self.spans.capacity() < FIRST_SPANS { FIRST_SPANS } else { MOST_SPANS };
            self.spans.try_reserve_exact(wanted - self.spans.len()).map_err(|_| Errno::ENOMEM)?;
        }
        Ok(self.has_room())
    }

    /// A list for the [lower half](Self::move_lower) of another.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn for_half() -> Result<SpanList, Errno> {
        let mut list = SpanList::new();
        list.spans.try_reserve_exact(FIRST_SPANS).map_err(|_| Errno::ENOMEM)?;
        Ok(list)
    }

    /// Moves the lower half of the spans to `list`, which is empty, and says where the upper one starts.
    pub fn move_lower(&mut self, list: &mut SpanList) -> usize {
        let (lower, upper) = self.spans.split_at_checked(FIRST_SPANS).unwrap_or((&[], &[]));
        let start = upper.first().map_or(0, |first| first.start);
        list.spans.extend_from_slice(lower);
        remove(&mut self.spans, 0, FIRST_SPANS);
        self.retired = Retired::new();
        start
    }

    /// Whether two such lists fit into the room that one has.
    pub fn is_short(&self) -> bool {
        self.spans.len() <= FIRST_SPANS / 2 && self.spans.capacity() >= FIRST_SPANS
    }

    /// Moves the spans of `list`, which lie behind, to the end. Both are [short](Self::is_short).
    pub fn append(&mut self, mut list: SpanList) {
        self.join();
        list.join();
        for span in &list.spans {
            self.append_quickly(span.start, span.end, span.page);
        }
    }

    /// Makes spans as long as possible again.
    #[inline]
    pub fn join(&mut self) {
        self.retired.join(&mut self.spans);
    }

    /// Makes all pages of `start..end` be [`Page::STALE`], where that moves nothing; elsewhere nothing happens, and it is false: see
    /// [`Retired::retire`].
    #[inline]
    pub fn retire(&mut self, start: usize, end: usize, most_zeros: usize) -> bool {
        self.retired.retire(&mut self.spans, start, end, most_zeros)
    }

    /// Makes the pages of `start..end`, of which nothing is known, be `page`, if nothing is known behind either and there is room for
    /// one more span; `None`, and nothing happens, elsewhere. It calls nothing.
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

    /// Makes all pages of `start..piece.end` be `page`, where `piece` is what [`piece`](Self::piece) just found at `start`. There
    /// [is room](Self::has_room).
    ///
    /// # Errors
    /// None, with room.
    #[inline]
    pub fn set_piece(&mut self, start: usize, piece: Piece, page: Page) -> Result<(), Errno> {
        let (before, from) = self.spans.split_at_mut_checked(piece.index).unwrap_or((&mut [], &mut []));
        let [span, behind @ ..] = from else { return self.set(start, piece.end, Some(page)) };
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
            (false, true, _, Some(behind)) if span.start < start && span.page != page => {
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

    /// Makes all pages of `start..end` be `page`. There [is room](Self::has_room), and `start` is before `end`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    #[inline(never)]
    pub fn set(&mut self, start: usize, end: usize, page: Option<Page>) -> Result<(), Errno> {
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
    use crate::subsystems::page_map::Contents;

    #[test]
    fn what_is_alike_is_one_span() {
        let page = Page::mapped(3, Contents::Live);
        let mut list = SpanList::new();
        for at in [0, 2, 4, 1, 3] {
            assert_eq!(list.make_room(), Ok(true));
            assert_eq!(list.set(at, at + 1, Some(page)), Ok(()));
        }
        assert_eq!(list.spans(), [Span { start: 0, end: 5, page }]);
    }

    /// Where two lists meet, too.
    #[test]
    fn what_is_appended_goes_on_where_it_is_alike() {
        let [page, other] = [3, 1].map(|protection| Page::mapped(protection, Contents::Live));
        let [mut below, mut above] = [0, 1].map(|_| SpanList::for_half().expect("there is memory"));
        assert!(below.is_short() && !SpanList::new().is_short(), "two have room in one");
        assert_eq!(below.set(0, 2, Some(page)), Ok(()));
        assert_eq!(above.set(2, 3, Some(page)), Ok(()));
        assert_eq!(above.set(3, 4, Some(other)), Ok(()));
        below.append(above);
        assert_eq!(below.spans(), [Span { start: 0, end: 3, page }, Span { start: 3, end: 4, page: other }]);
    }
}
