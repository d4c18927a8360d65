//! Which memory is to stay in memory (`mlock(2)`). Nothing ever leaves it; but calls that would take such memory away refuse, and
//! what cannot be read cannot be brought into memory (mm/mlock.c).
//!
//! Whether a page is kept is part of what the address space knows of it, so it ends with the page. Whom a limit on such
//! memory could hold back may keep none here. A page of the break that was kept is kept again when the break comes back to it.

use crate::abi::capability::CAP_IPC_LOCK;
use crate::abi::memory::{MAP_LOCKED, PAGE_BYTES, PROT_ALL, PROT_NONE};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::page_map::{Contents, Page};
use crate::user_memory::{UserAddress, UserMemory};

/// Whether the caller may lock memory.
///
/// # Errors
/// Unsupported: without CAP_IPC_LOCK, where RLIMIT_MEMLOCK counts.
#[inline(always)]
pub fn check_rights() -> Result<(), Refusal> {
    if caller_has(CAP_IPC_LOCK) {
        Ok(())
    } else {
        Err(Refusal::Unsupported("locking memory without CAP_IPC_LOCK, within RLIMIT_MEMLOCK"))
    }
}

/// The same for a new mapping, or one that moves: it is locked if `flags` or an earlier call say so.
///
/// # Errors
/// As [`check_rights`].
#[inline(always)]
pub fn check_new_mapping(space: &AddressSpace, flags: u32) -> Result<(), Refusal> {
    if flags & MAP_LOCKED != 0 || space.locks_future { check_rights() } else { Ok(()) }
}

/// The whole pages of `length` bytes from `address` on; EINVAL for what ends behind the last address. A length that its pages
/// carry beyond the largest number is none at all (`PAGE_ALIGN` in mm/mlock.c).
pub fn whole_pages(address: UserAddress, length: usize) -> Result<(usize, usize), Errno> {
    let start = address.0 / PAGE_BYTES * PAGE_BYTES;
    let length = length.wrapping_add(address.0 - start).wrapping_add(PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    Ok((start, start.checked_add(length).ok_or(Errno::EINVAL)?))
}

/// Whether the pages of `start..end` can be brought into memory.
///
/// # Errors
/// ENOMEM for a page that is not mapped, cannot be used at all or lies behind the end of its file.
pub fn check_lockable(
    memory: &impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    start: usize,
    end: usize,
) -> Result<(), Errno> {
    let mut address = start;
    while address < end {
        let piece = space.piece(boot, address, end)?;
        let protection = piece.page.and_then(Page::protection).ok_or(Errno::ENOMEM)?;
        let is_shared = piece.page.is_some_and(|page| page.contents() == Contents::Shared);
        let mut places = (address..piece.end).step_by(PAGE_BYTES).map(UserAddress);
        if protection & PROT_ALL == PROT_NONE || is_shared && places.any(|place| memory.is_beyond_file(place)) {
            return Err(Errno::ENOMEM);
        }
        address = piece.end;
    }
    Ok(())
}

/// Keeps the new mapping of `length` bytes at `start` in memory, if `flags` ask for that.
///
/// # Errors
/// ENOMEM if the kernel's heap is full.
#[inline]
pub fn lock_if_asked(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    start: usize,
    length: usize,
    flags: u32,
) -> Result<usize, Errno> {
    if flags & MAP_LOCKED != 0 {
        space.set_locked(memory, boot, start, (start + length).next_multiple_of(PAGE_BYTES), true)?;
    }
    Ok(start)
}

/// Keeps the new mapping `start..end` in memory, as `mlockall` was told.
///
/// # Errors
/// ENOMEM if the kernel's heap is full.
#[cold]
#[inline(never)]
pub fn lock_new(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    start: usize,
    end: usize,
) -> Result<(), Errno> {
    space.set_locked(memory, boot, start, end, true)
}

/// Keeps the pages of `new`, made of others, in memory if those were.
///
/// # Errors
/// ENOMEM if the kernel's heap is full.
pub fn keep_lock(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    were_locked: bool,
    new: (usize, usize),
) -> Result<(), Errno> {
    let is_change = were_locked != space.locks_future;
    if is_change { space.set_locked(memory, boot, new.0, new.1, were_locked) } else { Ok(()) }
}

impl AddressSpace {
    /// Keeps the pages of `start..end` in memory, or does so no longer, up to the first that is not mapped.
    ///
    /// # Errors
    /// ENOMEM if there is such a page, or the kernel's heap is full.
    #[cold]
    #[inline(never)]
    pub fn set_locked(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
        is_locked: bool,
    ) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (was_mapped, next) = self.lock_piece(memory, boot, address, end, is_locked)?;
            was_mapped.then_some(()).ok_or(Errno::ENOMEM)?;
            address = next;
        }
        Ok(())
    }

    /// Keeps everything that is mapped in memory or not, as `locks_now` says if it says anything, and whatever will be mapped, if
    /// `locks_future`. The break ends at `break_end`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn set_all_locked(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        break_end: usize,
        locks_now: Option<bool>,
        locks_future: bool,
    ) -> Result<(), Errno> {
        self.locks_future = locks_future;
        if locks_future {
            // No page is handed out the quick way any more.
            self.prepare(boot);
            (self.fresh, self.fresh_end) = (0, 0);
        }
        let break_end = break_end.next_multiple_of(PAGE_BYTES);
        for range in boot.program_ranges.iter().filter(|range| range.start < range.end) {
            let mut address = range.start as usize / PAGE_BYTES * PAGE_BYTES;
            let range_end = (range.end as usize).next_multiple_of(PAGE_BYTES);
            while address < range_end {
                // What lies between the break and the end of its range will be mapped.
                let is_future = boot.break_range.holds(address, 1) && address >= break_end;
                let edges = [break_end, boot.break_range.end as usize, range_end];
                let end = edges.into_iter().filter(|&edge| edge > address).min().unwrap_or(range_end);
                address = match if is_future { Some(locks_future) } else { locks_now } {
                    Some(is_locked) => self.lock_piece(memory, boot, address, end, is_locked)?.1,
                    None => end,
                };
            }
        }
        Ok(())
    }

    /// Whether some page of `start..end` is kept in memory, and where the first one is, or `end`.
    pub fn first_locked(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<(bool, usize), Errno> {
        let mut address = start;
        while address < end {
            let piece = self.piece(boot, address, end)?;
            if piece.page.is_some_and(Page::is_locked) {
                return Ok((true, address));
            }
            address = piece.end;
        }
        Ok((false, end))
    }

    /// [`set_locked`](Self::set_locked) of pages that are alike; whether they are mapped, and where they end.
    fn lock_piece(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        address: usize,
        end: usize,
        is_locked: bool,
    ) -> Result<(bool, usize), Errno> {
        let (pages, known_end) = self.map_of(boot, address, end)?;
        let piece = pages.piece(address, known_end);
        let Some(protection) = piece.page.and_then(Page::protection) else { return Ok((false, piece.end)) };
        let old = piece.page.unwrap_or(Page::STALE);
        let page = match old.contents() {
            Contents::Zero | Contents::Stale if !is_locked => old,
            Contents::Stale => {
                memory.zero_pages(address, piece.end)?;
                memory.set_access(address, piece.end, Some(protection & PROT_ALL));
                Page::mapped(protection, Contents::Live).with_lock(true)
            }
            Contents::Zero => Page::mapped(protection, Contents::Live).with_lock(true),
            Contents::Live | Contents::Shared => old.with_lock(is_locked),
        };
        if page != old {
            pages.set_piece(address, piece, Some(page))?;
        }
        Ok((true, piece.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_info::Range;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing::{BASE, TestRandom, rounds, steps};
    use crate::testing_memory::machine;

    #[test]
    fn locks_change_nothing_else() {
        for contents in [Contents::Zero, Contents::Live, Contents::Stale, Contents::Shared] {
            let page = Page::mapped(9, contents);
            assert_eq!((page.is_mapped(), page.protection(), page.contents()), (true, Some(9), contents));
            assert!(!page.is_locked() && page.with_lock(false) == page);
            if matches!(contents, Contents::Live | Contents::Shared) {
                let locked = page.with_lock(true);
                assert!(locked.is_locked() && locked.with_lock(true) == locked && locked.with_lock(false) == page);
                assert_eq!((locked.is_mapped(), locked.protection(), locked.contents()), (true, Some(9), contents));
            }
        }
        assert!(!Page::STALE.is_locked() && Page::STALE.with_lock(false) == Page::STALE);
    }

    /// Random calls against one entry a page: mapped or not, and kept or not.
    #[test]
    fn pages_are_kept_until_they_go() {
        const PAGES: usize = 12;
        for seed in 0..rounds(100) {
            let mut random = TestRandom(seed);
            let (mut memory, mut space, boot) = machine(0, PAGES);
            let mut model: [Option<bool>; PAGES] = [None; PAGES];
            for _ in 0..steps(60) {
                let first = random.below(PAGES as u64) as usize;
                let count = 1 + random.below((PAGES - first) as u64) as usize;
                let (start, end) = (BASE + first * PAGE_BYTES, BASE + (first + count) * PAGE_BYTES);
                let hole = model[first..first + count].iter().position(Option::is_none);
                let told = if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) };
                let changed = &mut model[first..first + hole.unwrap_or(count)];
                let protection = [0, 1, 3][random.below(3) as usize];
                match random.below(5) {
                    0 => {
                        let place = Placement::Fixed(start);
                        assert_eq!(space.map(&mut memory, &boot, place, end - start, protection), Ok(start));
                        model[first..first + count].fill(Some(false));
                    }
                    1 => {
                        assert_eq!(space.unmap(&mut memory, &boot, start, end), Ok(()));
                        model[first..first + count].fill(None);
                    }
                    2 => assert_eq!(space.protect(&mut memory, &boot, start, end, protection), told),
                    kind => {
                        assert_eq!(space.set_locked(&mut memory, &boot, start, end, kind == 3), told);
                        changed.fill(Some(kind == 3));
                    }
                }
                for (number, expected) in model.iter().enumerate() {
                    let at = BASE + number * PAGE_BYTES;
                    let page = space.piece(&boot, at, at + PAGE_BYTES).expect("there is memory").page;
                    let found = page.filter(|page| page.is_mapped()).map(Page::is_locked);
                    assert_eq!(found, *expected, "seed {seed}, page {number}");
                }
            }
        }
    }

    #[test]
    fn lengths_are_whole_pages_or_none() {
        for (address, length, expected) in [
            (PAGE_BYTES + 1, 1, Ok((PAGE_BYTES, 2 * PAGE_BYTES))),
            (PAGE_BYTES + 1, PAGE_BYTES, Ok((PAGE_BYTES, 3 * PAGE_BYTES))),
            (PAGE_BYTES, usize::MAX, Ok((PAGE_BYTES, PAGE_BYTES))),
            (PAGE_BYTES + 1, usize::MAX, Ok((PAGE_BYTES, PAGE_BYTES))),
            (PAGE_BYTES, usize::MAX - PAGE_BYTES, Err(Errno::EINVAL)),
        ] {
            assert_eq!(whole_pages(UserAddress(address), length), expected);
        }
    }

    #[test]
    fn everything_but_the_break_to_come() {
        let (mut memory, mut space, mut boot) = machine(4, 4);
        let start = boot.program_ranges[0].start as usize;
        boot.program_ranges[1] = boot.mapping_range;
        boot.break_range = Range { start: (start + PAGE_BYTES) as u64, end: boot.program_ranges[0].end };
        let locked = |space: &mut AddressSpace, page: usize| {
            let at = start + page * PAGE_BYTES;
            space.first_locked(&boot, at, at + PAGE_BYTES).expect("there is memory").0
        };
        let mapped = space.map(&mut memory, &boot, Placement::Hint(0), PAGE_BYTES, 3).expect("there is room");
        for (now, future, expected) in
            [(Some(true), false, [true, true, false, true]), (None, true, [true; 4]), (Some(false), false, [false; 4])]
        {
            assert_eq!(space.set_all_locked(&mut memory, &boot, start + PAGE_BYTES + 9, now, future), Ok(()));
            assert_eq!([0, 1, 2, 4].map(|page| locked(&mut space, page)), expected);
        }
        assert_eq!(space.set_all_locked(&mut memory, &boot, start, None, true), Ok(()));
        assert_eq!(space.map_quickly(&mut memory, &boot, PAGE_BYTES, 3), None, "somebody has to look");
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), PAGE_BYTES, 3), Ok(mapped + PAGE_BYTES));
        assert_eq!([4, 5].map(|page| locked(&mut space, page)), [false, true], "only what is new");
    }
}
