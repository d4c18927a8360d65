//! The generated kernel's [`UserMemory`] for a program behind a page table: its own addresses, checked against the table as the
//! hart checks them, so a call answers EFAULT where the program's own access would fault. Program and kernel share the
//! table, and the kernel changes it here alone.
//!
//! The builder laid the table out as the program's segments ask for (`BootInfo::page_tables`). An entry of the directory
//! shows 2 MiB that are all alike, or points to the one table of 4 KiB pages that belongs to it.
#![allow(unsafe_code)]

use crate::abi::memory::{PAGE_BYTES, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::boot_info::{BootInfo, PROGRAM_RANGES, PageTables, Range};
use crate::errno::Errno;
use crate::user_memory::{Guard, Reach, UserAddress, UserMemory};
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;

hook!(boot => start);

/// What an entry of the directory shows, bytes, and how many pages that are.
const CHUNK_BYTES: usize = 2 << 20;
const CHUNK_PAGES: usize = CHUNK_BYTES / PAGE_BYTES;

/// Bits of an entry (privileged ISA manual, "Sv39", figure "Sv39 page table entry"). One that is valid and allows nothing points to
/// a table.
const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
const LEAF: u64 = READ | WRITE | EXECUTE;
/// Set from the start: a hart that does not set them itself raises a page fault at the first access.
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
/// Free for software, and kept here: the page is mapped, if only with PROT_NONE.
const MAPPED: u64 = 1 << 8;
/// Free for software, too: the page is mapped behind the end of its file. It is not valid, but has the bits of what it would allow.
const BEYOND_FILE: u64 = 1 << 9;
/// All flags of an entry: what lies above is the page number.
const FLAGS: u64 = (1 << 10) - 1;

/// The memory of the one program.
#[derive(Debug)]
pub struct ProtectedMemory {
    tables: PageTables,
    /// The same, for those who keep it.
    guard: &'static PageTables,
    ranges: &'static [Range; PROGRAM_RANGES],
}

/// No tables.
const NOWHERE: PageTables = PageTables { window: Range { start: 0, end: 0 }, physical: 0, directory: 0, pages: 0 };

impl PageTables {
    fn window_bytes(&self) -> usize {
        (self.window.end - self.window.start) as usize
    }

    fn directory(&self) -> &[Cell<u64>] {
        // SAFETY: the builder laid out as many entries there, in memory that is seen where it is and that nothing else uses. The
        // hart only reads them, and the kernel, which is never entered twice, makes no other references to them than these.
        unsafe {
            let entries = ptr::with_exposed_provenance(self.directory as usize);
            slice::from_raw_parts(entries, self.window_bytes() / CHUNK_BYTES)
        }
    }

    fn pages(&self) -> &[Cell<u64>] {
        // SAFETY: as in `directory`, for the entries of all pages.
        unsafe {
            let entries = ptr::with_exposed_provenance(self.pages as usize);
            slice::from_raw_parts(entries, self.window_bytes() / PAGE_BYTES)
        }
    }

    /// Where the entry is that decides about `address`, if that is in the window.
    fn place(&self, address: usize) -> Option<&Cell<u64>> {
        let offset = address.checked_sub(self.window.start as usize)?;
        let entry = self.directory().get(offset / CHUNK_BYTES)?;
        if is_pointer(entry.get()) { self.pages().get(offset / PAGE_BYTES) } else { Some(entry) }
    }

    /// The entry that decides about `address`; 0, which allows nothing, outside the window.
    fn entry(&self, address: usize) -> u64 {
        self.place(address).map_or(0, Cell::get)
    }
}

impl Guard for PageTables {
    fn open(&self, address: usize, work: &mut dyn FnMut()) {
        const OPEN: u64 = VALID | READ | WRITE;
        let Some(place) = self.place(address) else { return };
        let old = place.get();
        if old & OPEN == OPEN || old & MAPPED == 0 {
            return work();
        }
        place.set(old | OPEN);
        fence();
        work();
        place.set(old);
        fence();
    }

    fn set_beyond_file(&self, start: usize, end: usize, is_beyond: bool) {
        let window_start = self.window.start as usize;
        for address in (start..end).step_by(PAGE_BYTES) {
            let old = self.entry(address);
            let hidden = old & !VALID | BEYOND_FILE;
            let shown = old & !BEYOND_FILE | if old & LEAF == 0 { 0 } else { VALID };
            let new = if is_beyond { hidden } else { shown };
            if new != old {
                self.split((address - window_start) / CHUNK_BYTES);
                if let Some(place) = self.pages().get((address - window_start) / PAGE_BYTES) {
                    let number = self.entry(address) & !FLAGS;
                    place.set(number | new & FLAGS);
                }
            }
        }
        fence();
    }
}

impl ProtectedMemory {
    /// No memory, until [`start`] ran.
    pub const fn new() -> ProtectedMemory {
        ProtectedMemory { tables: NOWHERE, guard: &NOWHERE, ranges: &[Range::NOWHERE; PROGRAM_RANGES] }
    }

    /// Whether all `len_bytes` bytes at `address` are the program's, and allow what `right` says.
    fn allows(&self, address: UserAddress, len_bytes: usize, right: u64) -> bool {
        let Some(last) = address.0.checked_add(len_bytes.saturating_sub(1)) else { return false };
        let mut page = address.0 / PAGE_BYTES * PAGE_BYTES;
        loop {
            if self.tables.entry(page) & (VALID | right) != VALID | right {
                return false;
            }
            page += PAGE_BYTES;
            if page > last {
                return true;
            }
        }
    }

    /// Gives the pages of `start..end`, whose end may lie inside the last, these flags.
    fn set_pages(&mut self, start: usize, end: usize, flags: u64) {
        let (window_start, physical) = (self.tables.window.start as usize, self.tables.physical);
        let entry = |offset: usize| if flags == 0 { 0 } else { (physical + offset as u64) >> 2 | flags };
        let mut at = start;
        while at < end {
            let offset = at - window_start;
            let index = offset / CHUNK_BYTES;
            let chunk_end = window_start + (index + 1) * CHUNK_BYTES;
            let stop = end.min(chunk_end);
            if offset.is_multiple_of(CHUNK_BYTES) && stop == chunk_end {
                if let Some(whole) = self.tables.directory().get(index) {
                    whole.set(entry(offset));
                }
            } else {
                self.tables.split(index);
                let first = offset / PAGE_BYTES;
                let count = (stop - at).div_ceil(PAGE_BYTES);
                if let Some(pages) = self.tables.pages().get(first..first + count) {
                    for (page, number) in pages.iter().zip(0..) {
                        page.set(entry(offset + number * PAGE_BYTES));
                    }
                }
            }
            at = stop;
        }
    }
}

impl PageTables {
    /// Gives entry `index` of the directory a table of its own, whose pages are what it shows now.
    fn split(&self, index: usize) {
        let table = self.pages + (index * PAGE_BYTES) as u64;
        let Some(entry) = self.directory().get(index) else { return };
        let whole = entry.get();
        if is_pointer(whole) {
            return;
        }
        entry.set(table >> 2 | VALID);
        let first = index * CHUNK_PAGES;
        if let Some(pages) = self.pages().get(first..first + CHUNK_PAGES) {
            for (page, number) in pages.iter().zip(0u64..) {
                page.set(if whole == 0 { 0 } else { whole + number * (PAGE_BYTES as u64 >> 2) });
            }
        }
    }
}

fn is_pointer(entry: u64) -> bool {
    entry & (VALID | LEAF) == VALID
}

/// The flags of a page with `access`. What can be written can be read, as on Linux (arch/riscv/mm/init.c, protection_map).
fn flags(access: Option<u8>) -> u64 {
    let Some(access) = access.map(u32::from) else { return 0 };
    let has = |wanted: u32, flags: u64| if access & wanted != 0 { flags } else { 0 };
    let rights = has(PROT_READ, READ) | has(PROT_WRITE, READ | WRITE) | has(PROT_EXEC, EXECUTE);
    rights | MAPPED | ACCESSED | DIRTY | if rights == 0 { 0 } else { VALID }
}

/// Has the hart forget what it knows of the table (privileged ISA manual, "Supervisor Memory-Management Fence Instruction").
fn fence() {
    #[cfg(target_arch = "riscv64")]
    // SAFETY: it changes no register and no memory; that stores to the table come before it is what it is for.
    unsafe {
        core::arch::asm!("sfence.vma", options(nostack, preserves_flags));
    }
}

/// Learns the table and the program's ranges.
pub fn start(memory: &mut ProtectedMemory, boot: &'static BootInfo) {
    memory.tables = boot.page_tables;
    memory.guard = &boot.page_tables;
    memory.ranges = &boot.program_ranges;
}

impl UserMemory for ProtectedMemory {
    fn slice(&self, address: UserAddress, len_bytes: usize) -> Result<&[u8], Errno> {
        if len_bytes == 0 {
            return Ok(&[]);
        }
        if !self.allows(address, len_bytes, READ) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the table shows these bytes, and lets them be read: memory of the window, which exists for the whole run, has
        // no page at the null pointer and holds no Rust object of the kernel. Every bit pattern is a `u8`. While the borrow of
        // `self` lasts the program does not run, and the one other way to these bytes, `slice_mut`, needs `self` exclusively,
        // as does changing the table.
        Ok(unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(address.0), len_bytes) })
    }

    fn slice_mut(&mut self, address: UserAddress, len_bytes: usize) -> Result<&mut [u8], Errno> {
        if len_bytes == 0 {
            return Ok(&mut []);
        }
        if !self.allows(address, len_bytes, READ | WRITE) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as in `slice`, and they can be written; `self` is borrowed exclusively, so no other slice of them is alive.
        Ok(unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address.0), len_bytes) })
    }

    fn reach(&mut self, address: UserAddress, len_bytes: usize) -> Option<Reach> {
        let holds = self.can_hold(address, len_bytes);
        let first = NonNull::new(ptr::with_exposed_provenance_mut(address.0)).filter(|_| holds)?;
        Some(Reach { first, guard: Some(self.guard) })
    }

    fn can_hold(&self, address: UserAddress, len_bytes: usize) -> bool {
        self.ranges.iter().any(|range| range.holds(address.0, len_bytes))
    }

    fn set_access(&mut self, start: usize, end: usize, access: Option<u8>) {
        // Stubs lie between the ranges: they stay as they are.
        for range in self.ranges {
            let (start, end) = (start.max(range.start as usize), end.min(range.end as usize));
            if start < end {
                self.set_pages(start / PAGE_BYTES * PAGE_BYTES, end, flags(access));
            }
        }
        fence();
    }

    fn is_protected(&self, address: UserAddress) -> bool {
        self.tables.entry(address.0) & MAPPED != 0
    }

    fn is_beyond_file(&self, address: UserAddress) -> bool {
        self.tables.entry(address.0) & BEYOND_FILE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, rounds};
    use alloc::boxed::Box;
    use alloc::vec;
    use alloc::vec::Vec;

    const CHUNKS: usize = 3;

    /// Leaked memory of `CHUNKS` directory entries, behind a table that shows it at 1 GiB and allows nothing.
    fn machine() -> (ProtectedMemory, usize) {
        let bytes = Box::leak(vec![0u8; (CHUNKS + 1) * CHUNK_BYTES].into_boxed_slice());
        let start = bytes.as_mut_ptr().expose_provenance().next_multiple_of(CHUNK_BYTES);
        let entries = |count: usize| {
            let entries: &mut [u64] = Box::leak(vec![0u64; count + CHUNK_PAGES].into_boxed_slice());
            entries.as_mut_ptr().expose_provenance().next_multiple_of(PAGE_BYTES) as u64
        };
        let window = Range { start: start as u64, end: (start + CHUNKS * CHUNK_BYTES) as u64 };
        let (directory, pages) = (entries(CHUNKS), entries(CHUNKS * CHUNK_PAGES));
        let page_tables = PageTables { window, physical: 1 << 30, directory, pages };
        let mut program_ranges = [Range::NOWHERE; PROGRAM_RANGES];
        program_ranges[0] = window;
        let boot = Box::leak(Box::new(BootInfo { program_ranges, page_tables, ..BootInfo::default() }));
        let mut memory = ProtectedMemory::new();
        super::start(&mut memory, boot);
        (memory, start)
    }

    #[test]
    fn rights_are_what_linux_makes_of_them() {
        let rights = [0, 1, 2, 3, 4, 5, 6, 7].map(|access| flags(Some(access)) & (LEAF | VALID));
        let valid =
            [READ, READ | WRITE, READ | WRITE, EXECUTE, READ | EXECUTE, LEAF, LEAF].map(|rights| rights | VALID);
        assert_eq!((rights[0], &rights[1..]), (0, &valid[..]));
        assert_eq!((flags(None), flags(Some(0)) & (VALID | MAPPED)), (0, MAPPED));
    }

    /// Random ranges with random access, against one value a page.
    #[test]
    fn every_page_is_what_was_set_last() {
        const PAGES: usize = CHUNKS * CHUNK_PAGES;
        let mut random = TestRandom(7);
        let (mut memory, start) = machine();
        let mut model: Vec<Option<u8>> = vec![None; PAGES];
        for step in 0..rounds(400) {
            let mut first = random.below(PAGES as u64) as usize;
            let mut count = 1 + random.below((PAGES - first) as u64) as usize;
            if step % 4 == 0 {
                (first, count) = (first / CHUNK_PAGES * CHUNK_PAGES, CHUNK_PAGES);
            }
            let access = Some(random.below(8) as u8).filter(|_| random.below(4) != 0);
            let at = start + first * PAGE_BYTES;
            memory.set_access(at, at + count * PAGE_BYTES, access);
            model[first..first + count].fill(access);
            for (page, &access) in model.iter().enumerate() {
                let (address, flags) = (start + page * PAGE_BYTES, flags(access));
                // A directory's entry is that of its first page.
                let whole = memory.tables.directory()[page / CHUNK_PAGES].get();
                let shown = if is_pointer(whole) { page } else { page / CHUNK_PAGES * CHUNK_PAGES };
                let number = if flags == 0 { 0 } else { ((1 << 30) + (shown * PAGE_BYTES) as u64) >> 2 };
                let entry = memory.tables.entry(address);
                assert_eq!((entry & FLAGS, entry & !FLAGS), (flags, number), "{page}");
                assert_eq!(memory.is_protected(UserAddress(address + 9)), access.is_some());
            }
        }
    }

    /// A shared page is what its protection and the end of its file make of it, and open to the kernel.
    #[test]
    fn files_reach_what_the_program_cannot() {
        let (mut memory, start) = machine();
        let at = |page: usize| UserAddress(start + page * PAGE_BYTES);
        memory.set_access(start, start + CHUNK_BYTES, Some(1)); // one entry of the directory
        let reach = memory.reach(at(0), CHUNK_BYTES).expect("the program could have memory there");
        let guard = reach.guard.expect("there is a page table");
        let entry = |memory: &ProtectedMemory, page| memory.tables.entry(at(page).0);
        let readable = entry(&memory, 0);
        let tables = memory.tables;
        guard.open(at(0).0, &mut || assert_eq!(tables.entry(at(0).0), readable | WRITE));
        assert_eq!(entry(&memory, 0), readable);
        guard.set_beyond_file(at(2).0, at(5).0, true);
        for page in 0..6 {
            let is_beyond = (2..5).contains(&page);
            assert_eq!(memory.is_beyond_file(at(page).add(7)), is_beyond, "{page}");
            assert_eq!(memory.read_u32(at(page)).is_ok(), !is_beyond, "{page}");
            assert!(memory.is_protected(at(page)));
        }
        memory.set_access(at(3).0, at(4).0, Some(0));
        guard.set_beyond_file(at(3).0, at(4).0, true);
        guard.set_beyond_file(at(2).0, at(4).0, false);
        assert_eq!([2, 3, 4].map(|page| memory.read_u32(at(page)).is_ok()), [true, false, false]);
        assert_eq!([2, 3, 4].map(|page| memory.is_beyond_file(at(page))), [false, false, true]);
        guard.open(at(3).0, &mut || assert_eq!(tables.entry(at(3).0) & (VALID | LEAF), VALID | READ | WRITE));
        assert_eq!(memory.read_u32(at(3)), Err(Errno::EFAULT));
    }

    #[test]
    fn calls_reach_what_the_program_could() {
        let (mut memory, start) = machine();
        let at = |page: usize| UserAddress(start + page * PAGE_BYTES);
        assert_eq!(memory.write_u32(at(1), 1), Err(Errno::EFAULT), "nothing is mapped");
        memory.set_access(at(1).0, at(3).0, Some(3));
        memory.set_access(at(3).0, at(4).0, Some(1));
        memory.set_access(at(4).0, at(5).0, Some(0));
        assert_eq!(memory.write(at(2).add(4090), &[7; 6]), Ok(()));
        assert_eq!(memory.write(at(2).add(4090), &[8; 7]), Err(Errno::EFAULT), "the last byte cannot be written");
        assert_eq!(memory.slice(at(2).add(4090), 4102).map(|bytes| bytes[..7].to_vec()), Ok(vec![7, 7, 7, 7, 7, 7, 0]));
        assert_eq!(memory.slice(at(2).add(4090), 4103), Err(Errno::EFAULT), "the last byte cannot be read");
        assert_eq!(memory.slice_mut(UserAddress(usize::MAX), 2), Err(Errno::EFAULT));
        assert_eq!(memory.slice(UserAddress(start - 1), 1), Err(Errno::EFAULT));
        assert_eq!(memory.slice_mut(UserAddress::NULL, 0), Ok(&mut [][..]));
        assert!(memory.can_hold(at(5), PAGE_BYTES) && !memory.can_hold(UserAddress(start - 1), 1));
        assert!(memory.is_protected(at(4)) && !memory.is_protected(at(5)) && !memory.is_protected(UserAddress(0)));
        memory.set_access(at(1).0, at(4).0, None);
        assert_eq!(memory.read_u64(at(1)), Err(Errno::EFAULT));
    }
}
