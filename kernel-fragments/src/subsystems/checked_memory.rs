//! The generated kernel's [`UserMemory`] for images built with `--check-access`: the program's own addresses, checked page by
//! page as the hart would check them behind a page table, so a call answers EFAULT where it does under Linux.
//!
//! A byte for each page of the program's ranges says what the page allows, whatever the machine lets the program itself do.
#![allow(unsafe_code)]

use crate::abi::memory::{PAGE_BYTES, PROT_READ, PROT_WRITE};
use crate::boot_info::{BootInfo, PROGRAM_RANGES, Range};
use crate::errno::Errno;
use crate::subsystems::image_data::segments;
use crate::user_memory::{Guard, Reach, UserAddress, UserMemory};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;

hook!(boot => start);

const READ: u8 = PROT_READ as u8;
const WRITE: u8 = PROT_WRITE as u8;

/// The memory of the one program.
#[derive(Debug)]
pub struct CheckedMemory {
    ranges: &'static [Range; PROGRAM_RANGES],
    /// What each page allows, PROT_ bits and `BEYOND_FILE`; those of all ranges one after another. 0 where nothing is mapped.
    access: &'static [Cell<u8>],
    /// All that, for those who keep it.
    guard: Option<&'static CheckedMemory>,
}

/// Added to what a page would allow: it is mapped behind the end of its file.
const BEYOND_FILE: u8 = 1 << 7;

impl CheckedMemory {
    /// No memory, until [`start`] ran.
    pub const fn new() -> CheckedMemory {
        CheckedMemory { ranges: &[Range::NOWHERE; PROGRAM_RANGES], access: &[], guard: None }
    }

    /// What the pages allow that hold these bytes (at least one), if one range holds them all.
    fn pages(&self, address: UserAddress, len_bytes: usize) -> Option<&[Cell<u8>]> {
        let mut before = 0;
        for range in self.ranges {
            if range.holds(address.0, len_bytes) {
                let first = before + address.0 / PAGE_BYTES - range.start as usize / PAGE_BYTES;
                let last = first + (address.0 % PAGE_BYTES + len_bytes - 1) / PAGE_BYTES;
                return self.access.get(first..=last);
            }
            before += page_count(range);
        }
        None
    }

    fn allows(&self, address: UserAddress, len_bytes: usize, wanted: u8) -> bool {
        let pages = self.pages(address, len_bytes);
        pages.is_some_and(|pages| pages.iter().all(|access| allowed(access.get()) & wanted == wanted))
    }
}

/// What can be written can be read (arch/riscv/mm/init.c, protection_map).
fn allowed(access: u8) -> u8 {
    match access {
        BEYOND_FILE.. => 0,
        _ if access & WRITE != 0 => access | READ,
        _ => access,
    }
}

/// How many pages `range` has a part of.
fn page_count(range: &Range) -> usize {
    if range.start >= range.end {
        return 0;
    }
    (range.end as usize).div_ceil(PAGE_BYTES) - range.start as usize / PAGE_BYTES
}

/// Learns the program's ranges and what its segments and its stack allow; the rest is not mapped yet.
pub fn start(memory: &mut CheckedMemory, boot: &'static BootInfo) {
    memory.ranges = &boot.program_ranges;
    // A heap has a byte for each page many times over, and gives out zeros for nothing.
    let access = Vec::leak(vec![0; memory.ranges.iter().map(page_count).sum()]);
    memory.access = Cell::from_mut(access).as_slice_of_cells();
    memory.guard = Some(Box::leak(Box::new(CheckedMemory { guard: None, ..*memory })));
    memory.set_access(boot.stack_range.start as usize, boot.stack_range.end as usize, Some(READ | WRITE));
    for segment in segments(boot) {
        // Two may share a page.
        let pages = memory.all_pages(segment.range.start as usize, segment.range.end as usize);
        pages.flatten().for_each(|page| page.set(page.get() | segment.access as u8));
    }
}

impl CheckedMemory {
    /// The entries of the pages of `start..end`, as far as they lie in some range.
    fn all_pages(&self, start: usize, end: usize) -> impl Iterator<Item = &'static [Cell<u8>]> {
        let mut rest = self.access;
        self.ranges.iter().map(move |range| -> &[Cell<u8>] {
            let (own, behind) = rest.split_at_checked(page_count(range)).unwrap_or_default();
            rest = behind;
            let (from, to) = (start.max(range.start as usize), end.min(range.end as usize));
            if from >= to {
                return &[];
            }
            let first = range.start as usize / PAGE_BYTES;
            own.get(from / PAGE_BYTES - first..to.div_ceil(PAGE_BYTES) - first).unwrap_or_default()
        })
    }
}

impl Guard for CheckedMemory {
    fn open(&self, _address: usize, work: &mut dyn FnMut()) {
        work();
    }

    fn set_beyond_file(&self, start: usize, end: usize, is_beyond: bool) {
        for page in self.all_pages(start, end).flatten() {
            page.set(page.get() & !BEYOND_FILE | if is_beyond { BEYOND_FILE } else { 0 });
        }
    }
}

impl UserMemory for CheckedMemory {
    fn slice(&self, address: UserAddress, len_bytes: usize) -> Result<&[u8], Errno> {
        if len_bytes == 0 {
            return Ok(&[]);
        }
        if !self.allows(address, len_bytes, READ) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the bytes lie in one of the builder's program ranges: memory that exists for the whole run, is not null (a
        // range never starts at 0), and that no Rust object of the kernel occupies. Every bit pattern is a `u8`. While the
        // borrow of `self` lasts the program does not run, and nobody else writes: the one other way to these bytes,
        // `slice_mut`, needs `self` exclusively.
        Ok(unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(address.0), len_bytes) })
    }

    fn slice_mut(&mut self, address: UserAddress, len_bytes: usize) -> Result<&mut [u8], Errno> {
        if len_bytes == 0 {
            return Ok(&mut []);
        }
        if !self.allows(address, len_bytes, READ | WRITE) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as in `slice`; `self` is borrowed exclusively, so no other slice of these bytes is alive.
        Ok(unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address.0), len_bytes) })
    }

    fn reach(&mut self, address: UserAddress, len_bytes: usize) -> Option<Reach> {
        let holds = self.can_hold(address, len_bytes);
        let first = NonNull::new(ptr::with_exposed_provenance_mut(address.0)).filter(|_| holds)?;
        Some(Reach { first, guard: self.guard.map(|guard| guard as &dyn Guard) })
    }

    fn can_hold(&self, address: UserAddress, len_bytes: usize) -> bool {
        self.ranges.iter().any(|range| range.holds(address.0, len_bytes))
    }

    fn is_beyond_file(&self, address: UserAddress) -> bool {
        self.pages(address, 1).is_some_and(|pages| pages.iter().any(|page| page.get() & BEYOND_FILE != 0))
    }

    fn set_access(&mut self, start: usize, end: usize, access: Option<u8>) {
        self.all_pages(start, end).flatten().for_each(|page| page.set(access.unwrap_or(0)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_info::Segment;
    use crate::subsystems::image_data::segments_of;
    use crate::testing::{TestRandom, rounds};

    const PAGES: usize = 12;

    /// Leaked memory in two ranges: pages 0 to 4, the first of them a text and the second data, and 6 to 11, the last of them
    /// the stack. All begin and end within a page as far as they may.
    fn machine() -> (CheckedMemory, usize) {
        let bytes = Box::leak(vec![0u8; (PAGES + 1) * PAGE_BYTES].into_boxed_slice());
        let base = bytes.as_mut_ptr().expose_provenance().next_multiple_of(PAGE_BYTES);
        let range = |start: usize, end: usize| Range { start: (base + start) as u64, end: (base + end) as u64 };
        let mut program_ranges = [Range::NOWHERE; PROGRAM_RANGES];
        program_ranges[0] = range(16, 5 * PAGE_BYTES);
        program_ranges[1] = range(6 * PAGE_BYTES, PAGES * PAGE_BYTES - 16);
        let segments = segments_of(&[
            Segment { range: range(16, PAGE_BYTES + 8), access: 5 },
            Segment { range: range(PAGE_BYTES + 8, 2 * PAGE_BYTES - 8), access: 2 },
        ]);
        let stack_range = range(11 * PAGE_BYTES, PAGES * PAGE_BYTES - 16);
        let boot = Box::leak(Box::new(BootInfo { program_ranges, segments, stack_range, ..BootInfo::default() }));
        let mut memory = CheckedMemory::new();
        assert_eq!(memory.read_u32(UserAddress(base + 16)), Err(Errno::EFAULT));
        start(&mut memory, boot);
        (memory, base)
    }

    #[test]
    fn segments_and_stack_are_there_from_the_start() {
        let (mut memory, base) = machine();
        let at = |offset: usize| UserAddress(base + offset);
        assert_eq!(memory.read_u32(at(12)), Err(Errno::EFAULT), "before the range");
        assert!(memory.slice(at(16), 2 * PAGE_BYTES - 16).is_ok());
        assert_eq!(memory.write_u32(at(16), 1), Err(Errno::EFAULT), "a text");
        assert_eq!(memory.write_u32(at(PAGE_BYTES), 1), Ok(()), "a page of both");
        assert_eq!(memory.slice(at(16), 2 * PAGE_BYTES - 15), Err(Errno::EFAULT), "nothing is mapped behind");
        assert_eq!(memory.write(at(PAGES * PAGE_BYTES - 20), &[1; 4]), Ok(()));
        assert_eq!(memory.write(at(PAGES * PAGE_BYTES - 20), &[1; 5]), Err(Errno::EFAULT), "behind the range");
        assert_eq!(memory.slice_mut(UserAddress(usize::MAX), usize::MAX), Err(Errno::EFAULT));
        assert_eq!(memory.slice_mut(UserAddress::NULL, 0), Ok(&mut [][..]));
        assert!(memory.can_hold(at(3 * PAGE_BYTES), PAGE_BYTES) && !memory.can_hold(at(5 * PAGE_BYTES), 1));
    }

    /// A page behind the end of its file is nobody's, but what it would allow is kept.
    #[test]
    fn pages_behind_the_end_of_a_file() {
        let (mut memory, base) = machine();
        let at = |page: usize| UserAddress(base + page * PAGE_BYTES);
        memory.set_access(at(2).0, at(5).0, Some(1));
        let guard = memory.reach(at(2), 3 * PAGE_BYTES).and_then(|reach| reach.guard).expect("it is checked");
        guard.set_beyond_file(at(3).0, at(5).0, true);
        assert_eq!([2, 3, 4].map(|page| memory.slice(at(page), 1).is_ok()), [true, false, false]);
        guard.set_beyond_file(at(2).0, at(4).0, false);
        assert_eq!([2, 3, 4].map(|page| memory.slice(at(page), 1).is_ok()), [true, true, false]);
        assert_eq!(memory.write(at(3), b"x"), Err(Errno::EFAULT));
        assert!(memory.reach(at(5), 1).is_none(), "in no range");
    }

    /// Random changes against one value a page.
    #[test]
    fn every_page_allows_what_was_set_last() {
        for seed in 0..rounds(20) {
            let mut random = TestRandom(seed);
            let (mut memory, base) = machine();
            let mut model = [5, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3u8];
            for _ in 0..40 {
                let first = random.below(PAGES as u64) as usize;
                let behind = first + random.below((PAGES - first) as u64 + 1) as usize;
                let access = Some(random.below(8) as u8).filter(|_| random.below(4) != 0);
                memory.set_access(base + first * PAGE_BYTES, base + behind * PAGE_BYTES, access);
                model[first..behind].fill(access.unwrap_or(0));
                model[5] = 0; // in no range
                for (page, access) in model.into_iter().enumerate() {
                    let at = UserAddress(base + page * PAGE_BYTES + 24);
                    assert_eq!(memory.slice(at, 8).is_ok(), access & 3 != 0, "page {page} of {model:?}");
                    assert_eq!(memory.slice_mut(at, 8).is_ok(), access & 2 != 0, "page {page} of {model:?}");
                }
            }
        }
    }
}
