//! Where mmap places, by buddies: at the lowest free address that is a multiple, from the start of the range, of the length rounded
//! up to a power of two. What is mapped and unmapped again and again in different sizes leaves large room in one piece; small mappings between
//! large ones cost memory. Stands in place of `room.rs` with `--allocator buddy`.

use crate::errno::Errno;
use crate::subsystems::page_map::PageMap;

/// Nothing is handed out without looking for room.
pub const FRESH_PARTS: usize = usize::MAX;

/// The lowest such address with `len_bytes` free bytes before `end`. The range begins at `start`, and is full up to `first_free`.
///
/// # Errors
/// ENOMEM if there is none.
pub fn find_room(
    pages: &mut PageMap,
    start: usize,
    first_free: usize,
    end: usize,
    len_bytes: usize,
) -> Result<usize, Errno> {
    let block = len_bytes.checked_next_power_of_two().ok_or(Errno::ENOMEM)?;
    let aligned = |address: usize| {
        let offset = address.saturating_sub(start).checked_next_multiple_of(block);
        offset.and_then(|offset| offset.checked_add(start)).unwrap_or(usize::MAX)
    };
    let candidate = pages.lowest_room(first_free, len_bytes, aligned);
    if end.saturating_sub(candidate) >= len_bytes { Ok(candidate) } else { Err(Errno::ENOMEM) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::page_map::{Contents, Page};
    use crate::testing::{TestRandom, rounds};

    /// Against trying every block.
    #[test]
    fn finds_the_lowest_free_block() {
        const START: usize = 7;
        for seed in 0..rounds(300) {
            let (mut random, mut pages) = (TestRandom(seed), PageMap::new());
            let mut taken = [false; 64];
            for _ in 0..random.below(8) {
                let (at, count) = (random.below(60) as usize, 1 + random.below(4) as usize);
                taken[at..at + count].fill(true);
                let page = Page::mapped(3, Contents::Live);
                pages.set(START + at, START + at + count, Some(page)).expect("there is memory");
            }
            let first_free = taken.iter().position(|&taken| !taken).unwrap_or(64);
            for len_bytes in 1..20usize {
                let block = len_bytes.next_power_of_two();
                let is_free = |&at: &usize| taken[at..at + len_bytes].iter().all(|&taken| !taken);
                let expected = (0..=64 - len_bytes).step_by(block).find(is_free).map(|at| START + at);
                let found = find_room(&mut pages, START, START + first_free, START + 64, len_bytes);
                assert_eq!(found.ok(), expected, "seed {seed}, {len_bytes}");
            }
        }
    }
}
