//! Spans of pages that were given back in haste: what `munmap` does mostly, it does here without moving other spans or calling
//! anything. What is given back is stale. Therefore neighbours may be alike, and spans empty, until [`Retired::join`].

use crate::subsystems::page_map::Page;
use crate::subsystems::span_list::{Span, index_of};
use alloc::vec::Vec;

/// What is to be known of a list of spans in which some were given back so.
#[derive(Debug)]
pub struct Retired {
    /// Where in the list something was retired last, or what stands behind it: the next one is there more often than not.
    at: usize,
    /// Whether there may be empty spans, or neighbours that are alike.
    is_loose: bool,
}

impl Retired {
    /// Nothing was.
    pub const fn new() -> Retired {
        Retired { at: 0, is_loose: false }
    }

    /// Makes spans as long as possible again.
    #[inline]
    pub fn join(&mut self, spans: &mut Vec<Span>) {
        if self.is_loose {
            self.is_loose = false;
            join_all(spans);
        }
    }

    /// Makes all pages of `start..end` be [`Page::STALE`], if they are one or two whole spans, or the part of a span that lies at stale
    /// pages or ends the list, all mapped and not shared, and of zeros at most `most_zeros` bytes in each span; otherwise nothing
    /// happens, and it is false. It moves nothing and calls nothing.
    #[inline(always)]
    pub fn retire(&mut self, spans: &mut Vec<Span>, start: usize, end: usize, most_zeros: usize) -> bool {
        let is_there = spans.get(self.at).is_some_and(|span| span.start == start && span.end > start);
        let index = if is_there { self.at } else { index_of(spans, start) };
        let is_last = index + 1 == spans.len() && spans.len() < spans.capacity();
        let (before, from) = spans.split_at_mut_checked(index).unwrap_or((&mut [], &mut []));
        let fits = |span: &Span| span.page.is_plain() && (!span.page.is_zero() || span.end - span.start <= most_zeros);
        let taken = match from {
            [first, ..] if first.start > start || !fits(first) => return false,
            [first, ..] if first.end == end && first.start == start => {
                first.page = Page::STALE;
                1
            }
            [first, ..] if first.end > end => match before {
                // What was given back before grows.
                [.., before] if first.start == start && before.end == start && before.page == Page::STALE => {
                    (before.end, first.start) = (end, end);
                    return true;
                }
                _ => return false,
            },
            [first, second, ..]
                if first.start == start && second.start == first.end && second.end == end && fits(second) =>
            {
                (first.end, first.page) = (end, Page::STALE);
                (second.start, second.page) = (end, Page::STALE);
                2
            }
            [first, second, ..] if first.end == end && second.start == end && second.page == Page::STALE => {
                (first.end, second.start) = (start, start);
                return true;
            }
            [last] if last.end == end && is_last => {
                last.end = start;
                spans.push(Span { start, end, page: Page::STALE });
                return true;
            }
            _ => return false,
        };
        self.is_loose = true;
        self.at = index + taken;
        if self.at == spans.len()
            && let Some(before) = index.checked_sub(1).and_then(|index| spans.get_mut(index))
            && before.end == start
            && before.page == Page::STALE
        {
            // Whoever comes and goes at the end leaves no trace there.
            before.end = end;
            self.at = index;
            spans.truncate(index);
        }
        true
    }
}

#[inline(never)]
fn join_all(spans: &mut Vec<Span>) {
    spans.retain(|span| span.start < span.end);
    spans.dedup_by(|behind, before| {
        let are_one = before.end == behind.start && before.page == behind.page;
        if are_one {
            before.end = behind.end;
        }
        are_one
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::page_map::{Contents, PageMap};
    use crate::testing::{TestRandom, rounds};
    use alloc::vec;

    /// Stacks that come and go in any order, among other changes, against one entry per page.
    #[test]
    fn what_is_retired_is_stale_and_joined_later() {
        const PAGES: usize = 60;
        let (live, zero) = (Page::mapped(3, Contents::Live), Page::mapped(0, Contents::Zero));
        for seed in 0..rounds(300) {
            let mut random = TestRandom(seed);
            let (mut map, mut model) = (PageMap::new(), vec![None; PAGES]);
            for _ in 0..60 {
                let fresh = model.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
                let start = random.below(PAGES as u64) as usize;
                let end = start + 1 + random.below(4) as usize;
                match random.below(6) {
                    0 | 1 if fresh + 3 < PAGES => {
                        assert_eq!(map.append(fresh, fresh + 3, zero), Ok(()));
                        model[fresh..fresh + 3].fill(Some(zero));
                        if map.split_last(fresh + 1, fresh + 3, zero, live) {
                            model[fresh + 1..fresh + 3].fill(Some(live));
                        }
                    }
                    2 if end <= PAGES => {
                        let page = [None, Some(live), Some(zero), Some(Page::STALE)][random.below(4) as usize];
                        let piece = map.piece(start, end);
                        assert_eq!(map.set_piece(start, piece, page), Ok(()));
                        model[start..piece.end].fill(page);
                    }
                    3 if end <= PAGES => {
                        assert_eq!(map.set(start, end, Some(live)), Ok(()));
                        model[start..end].fill(Some(live));
                    }
                    4 if end <= PAGES && map.retire(start, end, 2) => {
                        assert!(model[start..end].iter().all(|page| page.is_some_and(Page::is_mapped)));
                        let zeros = model[start..end].iter().filter(|&&page| page == Some(zero)).count();
                        assert!(zeros <= 4, "at most two in each span");
                        model[start..end].fill(Some(Page::STALE));
                    }
                    _ if random.below(4) == 0 => {
                        map.join();
                        assert!(map.spans().all(|span| span.start < span.end));
                    }
                    _ => {}
                }
                for (number, &page) in model.iter().enumerate() {
                    assert_eq!(map.piece(number, PAGES).page, page, "page {number}");
                }
            }
        }
    }

    /// A thread's stack that comes and goes leaves one span, whatever lies before.
    #[test]
    fn whoever_comes_and_goes_leaves_no_trace() {
        let (live, zero) = (Page::mapped(3, Contents::Live), Page::mapped(0, Contents::Zero));
        let mut map = PageMap::new();
        assert_eq!(map.append(0, 1, live), Ok(()));
        for at in (1..300).step_by(3) {
            assert_eq!(map.append(at, at + 3, zero), Ok(()));
            assert!(map.split_last(at + 1, at + 3, zero, live));
            assert!(!map.retire(at, at + 3, 0), "too many zeros");
            assert!(!map.retire(at, at + 2, 1) && !map.retire(at + 1, at + 4, 1), "no whole spans");
            assert!(map.retire(at, at + 3, 1));
            assert!(!map.retire(at, at + 3, 1), "only once");
        }
        let spans = [Span { start: 0, end: 1, page: live }, Span { start: 1, end: 301, page: Page::STALE }];
        map.join();
        assert!(map.spans().eq(spans));
    }

    /// An empty span behind a hole is no span that becomes shorter.
    #[test]
    fn a_hole_before_an_empty_span() {
        let (live, zero) = (Page::mapped(3, Contents::Live), Page::mapped(0, Contents::Zero));
        let mut map = PageMap::new();
        for (at, page) in [(2, live), (3, zero), (4, live)] {
            assert_eq!(map.append(at, at + 1, page), Ok(()));
        }
        assert!(map.retire(2, 4, 1));
        assert_eq!(map.set(2, 4, None), Ok(()));
        let hole = map.piece(2, 5);
        assert_eq!((hole.end, hole.page), (4, None));
        assert_eq!(map.set_piece(2, hole, Some(live)), Ok(()));
        map.join();
        assert!(map.spans().eq([Span { start: 2, end: 5, page: live }]));
    }
}
