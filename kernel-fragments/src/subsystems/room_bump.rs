//! Where mmap places, by a pointer that only moves up: behind everything that was ever mapped. Nothing is looked for and nothing zeroed; what is
//! unmapped is not used again, unless it was never written and the last. For programs that end before the range does. Stands in place of
//! `room.rs` with `--allocator bump`.

use crate::errno::Errno;
use crate::subsystems::page_map::PageMap;

/// The whole range is handed out from its start on.
pub const FRESH_PARTS: usize = 1;

/// The address behind all that was mapped, if `len_bytes` bytes fit before `end`: only asked where a mapping at an address of its own lies
/// in the way.
///
/// # Errors
/// ENOMEM if they do not.
pub fn find_room(
    pages: &mut PageMap,
    start: usize,
    _first_free: usize,
    end: usize,
    len_bytes: usize,
) -> Result<usize, Errno> {
    let candidate = pages.end().unwrap_or(start);
    if end.saturating_sub(candidate) >= len_bytes { Ok(candidate) } else { Err(Errno::ENOMEM) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::page_map::Page;

    #[test]
    fn behind_everything() {
        let mut pages = PageMap::new();
        assert_eq!(find_room(&mut pages, 10, 10, 20, 10), Ok(10));
        assert_eq!(pages.set(12, 15, Some(Page::STALE)), Ok(()));
        assert_eq!(find_room(&mut pages, 10, 10, 20, 5), Ok(15), "not even what is free again");
        assert_eq!(find_room(&mut pages, 10, 10, 20, 6), Err(Errno::ENOMEM));
    }
}
