//! Where mmap places, first fit: pages that nobody ever had, one behind the other, up to the middle of the range, so that half of it
//! stays in one piece for what is large; then the lowest room that fits. `--allocator` puts `room_buddy.rs` or `room_bump.rs` in
//! place of this file.

use crate::errno::Errno;
use crate::subsystems::page_map::PageMap;

/// One of so many parts of the range is handed out from its start on before room is looked for.
pub const FRESH_PARTS: usize = 2;

/// The lowest address with `len_bytes` free bytes before `end`. The range begins at `_start`, and is full up to `first_free`.
///
/// # Errors
/// ENOMEM if there is none.
pub fn find_room(
    pages: &mut PageMap,
    _start: usize,
    first_free: usize,
    end: usize,
    len_bytes: usize,
) -> Result<usize, Errno> {
    let candidate = pages.lowest_room(first_free, len_bytes, |address| address);
    if end.saturating_sub(candidate) >= len_bytes { Ok(candidate) } else { Err(Errno::ENOMEM) }
}
