//! An interval map from pages to what is known of them: spans of equal pages, sorted, disjoint, as long as possible.
//!
//! It only keeps the books; who touches memory is `address_space.rs`.

use crate::errno::Errno;
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
}

/// What is known of a page. A page without an entry is unmapped and zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// PROT_ bits, if it is mapped.
    pub mapped: Option<u8>,
    /// What it holds.
    pub contents: Contents,
}

/// Equal pages from address `start` up to, not including, `end`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First address.
    pub start: usize,
    /// First address behind.
    pub end: usize,
    /// What all these pages are.
    pub page: Page,
}

/// The map.
#[derive(Debug)]
pub struct PageMap {
    spans: Vec<Span>,
}

impl PageMap {
    /// No page is mapped, all are zero.
    pub const fn new() -> PageMap {
        PageMap { spans: Vec::new() }
    }

    /// Every span, ascending.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The spans from the one that holds `address`, or the next behind it.
    pub fn from(&self, address: usize) -> &[Span] {
        self.spans.get(self.index(address)..).unwrap_or(&[])
    }

    /// Index of the first span that ends behind `address`.
    fn index(&self, address: usize) -> usize {
        self.spans.partition_point(|span| span.end <= address)
    }

    /// The pages that begin at `start`, as far as they are alike but not beyond `end`: where they end, and what they
    /// are.
    pub fn piece(&self, start: usize, end: usize) -> (usize, Option<Page>) {
        match self.from(start).first() {
            Some(span) if span.start <= start => (span.end.min(end), Some(span.page)),
            Some(span) => (span.start.min(end), None),
            None => (end, None),
        }
    }

    /// Makes all pages of `start..end` be `page`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full; then nothing changed.
    pub fn set(&mut self, start: usize, end: usize, page: Option<Page>) -> Result<(), Errno> {
        if start >= end {
            return Ok(());
        }
        self.spans.try_reserve(2).map_err(|_| Errno::ENOMEM)?;
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
    use crate::testing::TestRandom;
    use alloc::vec;

    /// Random changes against one entry per page.
    #[test]
    fn behaves_like_an_array_of_pages() {
        const PAGES: usize = 40;
        let kinds = [
            None,
            None,
            Some(Page { mapped: Some(3), contents: Contents::Live }),
            Some(Page { mapped: Some(0), contents: Contents::Zero }),
            Some(Page { mapped: None, contents: Contents::Stale }),
        ];
        for seed in 0..300 {
            let mut random = TestRandom(seed);
            let (mut map, mut model) = (PageMap::new(), vec![None; PAGES]);
            for _ in 0..100 {
                let start = random.below(PAGES as u64) as usize;
                let end = start + random.below((PAGES - start) as u64 + 1) as usize;
                let page = kinds[random.below(kinds.len() as u64) as usize];
                assert_eq!(map.set(start, end, page), Ok(()));
                model[start..end].fill(page);
                for (number, &page) in model.iter().enumerate() {
                    let (piece_end, found) = map.piece(number, PAGES);
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
