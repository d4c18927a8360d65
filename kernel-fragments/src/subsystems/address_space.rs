//! The program's address space: which pages are mapped, with which protection, and which must be zeroed before they are
//! handed out (again).
//!
//! mmap places first-fit, lowest address first, in the range that the builder set aside. Pages that nobody ever wrote
//! are known zero and never zeroed; a PROT_NONE reservation touches no memory at all, whatever its size. The program's
//! segments, stack and whole break range count as mapped from the start; how far the break is moved is not looked at.
//! Protections are kept, not enforced: there is no page table.

use crate::abi::memory::{PAGE_BYTES, PROT_NONE, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::page_map::{Contents, Page, PageMap};
use crate::user_memory::{UserAddress, UserMemory};

/// Where a mapping is to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// There if it is free, otherwise anywhere; 0 is no wish.
    Hint(usize),
    /// Exactly there, replacing what is there.
    Fixed(usize),
    /// Exactly there, if nothing is there.
    FixedNoReplace(usize),
}

/// The address space.
#[derive(Debug)]
pub struct AddressSpace {
    pages: PageMap,
    /// Where mmap places; empty until the first call.
    start: usize,
    end: usize,
    /// Every page of that range below is mapped: where looking for room starts.
    first_free: usize,
}

/// Unmapped guard pages between stale ones count as stale: zeroing them costs less than remembering each.
const SMALL_BYTES: usize = 4 * PAGE_BYTES;

/// How much of the stack is mapped at first, below the first stack pointer.
const INITIAL_STACK_BYTES: usize = 128 << 10;

/// The bits of a protection that are PROT_ ones. All of them are what the program's own segments and stack count with: the
/// builder does not tell.
const PROT_ALL: u8 = 7;
/// Added to a protection: the pages are a file's.
pub const FROM_FILE: u8 = 8;
/// Added as well: and shared with it, but not writable.
pub const SHARED_FILE: u8 = 16;

impl AddressSpace {
    /// An address space that learns its ranges at its first call.
    pub const fn new() -> AddressSpace {
        AddressSpace { pages: PageMap::new(), start: 0, end: 0, first_free: 0 }
    }

    /// Notes what the program was born with, once.
    fn prepare(&mut self, boot: &BootInfo) -> Result<(), Errno> {
        if self.end != 0 {
            return Ok(());
        }
        let live = Page { mapped: Some(PROT_ALL), contents: Contents::Live };
        for range in &boot.program_ranges {
            let start = range.start as usize / PAGE_BYTES * PAGE_BYTES;
            self.pages.set(start, (range.end as usize).next_multiple_of(PAGE_BYTES), Some(live))?;
        }
        // Linux maps 128 KiB below the first stack pointer and lets the stack grow into what lies further down
        // (fs/exec.c, setup_arg_pages). musl walks over the mapped pages one by one (pthread_getattr_np).
        let reserved_end =
            (boot.initial_stack_pointer as usize).saturating_sub(INITIAL_STACK_BYTES) & !(PAGE_BYTES - 1);
        let reserved = Page { mapped: None, contents: Contents::Stale };
        self.pages.set(boot.stack_range.start as usize, reserved_end, Some(reserved))?;
        self.start = boot.mapping_range.start as usize;
        self.end = boot.mapping_range.end as usize;
        self.first_free = self.start;
        self.pages.set(self.start, self.end, None)
    }

    /// Maps `len_bytes` (whole pages, not 0) of zeros with `protection` and returns where.
    ///
    /// # Errors
    /// ENOMEM: no room, or the place is no memory of this machine. EEXIST: the place is taken and may not be replaced.
    pub fn map(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        placement: Placement,
        len_bytes: usize,
        protection: u8,
    ) -> Result<usize, Errno> {
        self.prepare(boot)?;
        let start = match placement {
            Placement::Hint(0) => self.first_fit(len_bytes)?,
            Placement::Hint(wish) => match wish.checked_add(len_bytes) {
                Some(end) if self.start <= wish && end <= self.end && self.is_free(wish, end) => wish,
                _ => self.first_fit(len_bytes)?,
            },
            Placement::Fixed(start) => start,
            Placement::FixedNoReplace(start) => {
                if !self.is_free(start, start.saturating_add(len_bytes)) {
                    return Err(Errno::EEXIST);
                }
                start
            }
        };
        let end = start.checked_add(len_bytes).ok_or(Errno::ENOMEM)?;
        memory.slice(UserAddress(start), len_bytes).map_err(|_| Errno::ENOMEM)?;
        let mut address = start;
        while address < end {
            let (piece_end, old) = self.pages.piece(address, end);
            let is_zero = old.is_none_or(|page| page.contents == Contents::Zero);
            let contents = if protection & PROT_ALL == PROT_NONE {
                if is_zero { Contents::Zero } else { Contents::Stale }
            } else {
                if !is_zero {
                    zero(memory, address, piece_end)?;
                }
                Contents::Live
            };
            self.pages.set(address, piece_end, Some(Page { mapped: Some(protection), contents }))?;
            address = piece_end;
        }
        if start <= self.first_free && self.first_free < end {
            self.first_free = end;
        }
        Ok(start)
    }

    /// Unmaps whatever is mapped in `start..end` (page-aligned).
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn unmap(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<(), Errno> {
        self.prepare(boot)?;
        if end > self.start {
            self.first_free = self.first_free.min(start.max(self.start));
        }
        self.change(start, end, |page, len_bytes| match page.contents {
            Contents::Zero if len_bytes > SMALL_BYTES => None,
            _ => Some(Page { mapped: None, contents: Contents::Stale }),
        })
    }

    /// Sets the protection of `start..end` (page-aligned) up to the first page that is not mapped.
    ///
    /// # Errors
    /// ENOMEM if there is such a page, or the kernel's heap is full. EACCES: a shared file, which was not opened for
    /// writing, is to be writable.
    pub fn protect(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
        protection: u8,
    ) -> Result<(), Errno> {
        self.prepare(boot)?;
        let mut address = start;
        while address < end {
            let (piece_end, page) = self.pages.piece(address, end);
            let Some(Page { mapped: Some(old), mut contents }) = page else { return Err(Errno::ENOMEM) };
            if old & SHARED_FILE != 0 && protection & PROT_WRITE as u8 != 0 {
                return Err(Errno::EACCES);
            }
            if protection != PROT_NONE {
                if contents == Contents::Stale {
                    zero(memory, address, piece_end)?;
                }
                contents = Contents::Live;
            }
            let mapped = Some(protection | old & !PROT_ALL);
            self.pages.set(address, piece_end, Some(Page { mapped, contents }))?;
            address = piece_end;
        }
        Ok(())
    }

    /// Makes the mapped pages of `start..end` (page-aligned) read as zero.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full. Unsupported: pages of a file.
    pub fn discard(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
    ) -> Result<(), Refusal> {
        self.prepare(boot)?;
        let mut address = start;
        while address < end {
            let (piece_end, page) = self.pages.piece(address, end);
            match page {
                Some(Page { mapped: Some(protection), .. }) if protection & FROM_FILE != 0 => {
                    return Err(Refusal::Unsupported("discarding pages of a mapped file, to be read again"));
                }
                Some(Page { mapped: Some(protection), contents: Contents::Live }) if protection == PROT_NONE => {
                    let page = Page { mapped: Some(protection), contents: Contents::Stale };
                    self.pages.set(address, piece_end, Some(page))?;
                }
                Some(Page { mapped: Some(_), contents: Contents::Live }) => zero(memory, address, piece_end)?,
                _ => {}
            }
            address = piece_end;
        }
        Ok(())
    }

    /// The protection of the mapped page at `address`, and where pages like it end, at most at `end`.
    ///
    /// # Errors
    /// ENOMEM if it is not mapped.
    pub fn mapped(&mut self, boot: &BootInfo, address: usize, end: usize) -> Result<(u8, usize), Errno> {
        self.prepare(boot)?;
        match self.pages.piece(address, end) {
            (piece_end, Some(Page { mapped: Some(protection), .. })) => Ok((protection, piece_end)),
            _ => Err(Errno::ENOMEM),
        }
    }

    /// Whether every page of `start..end` is mapped; ENOMEM if not.
    pub fn check_mapped(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            address = self.mapped(boot, address, end)?.1;
        }
        Ok(())
    }

    /// What the pages from `address` on are, and where pages like it end, at most at `end`.
    pub fn piece(&self, address: usize, end: usize) -> (usize, Option<Page>) {
        self.pages.piece(address, end)
    }

    /// How many bytes mmap can still give out, in whatever pieces; ENOMEM if the kernel's heap is full.
    pub fn free_bytes(&mut self, boot: &BootInfo) -> Result<usize, Errno> {
        self.prepare(boot)?;
        let spans = self.pages.from(self.start).iter().take_while(|span| span.start < self.end);
        let taken: usize =
            spans.filter(|span| span.page.mapped.is_some()).map(|span| span.end.saturating_sub(span.start)).sum();
        Ok(self.end.saturating_sub(self.start).saturating_sub(taken))
    }

    /// Whether mmap could place something at exactly `start..end`.
    pub fn can_place(&self, start: usize, end: usize) -> bool {
        self.start <= start && end <= self.end && self.is_free(start, end)
    }

    fn is_free(&self, start: usize, end: usize) -> bool {
        let mut overlapping = self.pages.from(start).iter().take_while(|span| span.start < end);
        overlapping.all(|span| span.page.mapped.is_none())
    }

    /// The lowest address with `len_bytes` free bytes.
    fn first_fit(&self, len_bytes: usize) -> Result<usize, Errno> {
        let mut candidate = self.first_free;
        for span in self.pages.from(candidate).iter().take_while(|span| span.start < self.end) {
            let free_end = if span.page.mapped.is_some() { span.start } else { span.end.min(self.end) };
            if free_end.saturating_sub(candidate) >= len_bytes {
                return Ok(candidate);
            }
            if span.page.mapped.is_some() {
                candidate = span.end;
            }
        }
        if self.end.saturating_sub(candidate) >= len_bytes { Ok(candidate) } else { Err(Errno::ENOMEM) }
    }

    /// Replaces every mapped page of `start..end` by what `change` makes of it and the length of its piece.
    fn change(&mut self, start: usize, end: usize, change: impl Fn(Page, usize) -> Option<Page>) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (piece_end, page) = self.pages.piece(address, end);
            if let Some(page @ Page { mapped: Some(_), .. }) = page {
                self.pages.set(address, piece_end, change(page, piece_end - address))?;
            }
            address = piece_end;
        }
        Ok(())
    }
}

fn zero(memory: &mut impl UserMemory, start: usize, end: usize) -> Result<(), Errno> {
    memory.slice_mut(UserAddress(start), end.saturating_sub(start))?.fill(0);
    Ok(())
}

#[cfg(test)]
pub mod tests {
    //! Also gives the memory calls their machine.

    use super::*;
    use crate::abi::memory::PROT_READ;
    use crate::boot_info::Range;
    use crate::testing::{BASE, FakeMemory, TestRandom};
    use alloc::vec;

    const READ_WRITE: u8 = (PROT_READ | PROT_WRITE) as u8;

    /// `data` pages of program, then `mappings` pages for mmap.
    pub fn machine(data: usize, mappings: usize) -> (FakeMemory, AddressSpace, BootInfo) {
        let memory = FakeMemory::new((data + mappings) * PAGE_BYTES);
        let middle = memory.address(data * PAGE_BYTES).0 as u64;
        let mut boot = BootInfo::default();
        boot.program_ranges[0] = Range { start: BASE as u64, end: middle };
        boot.mapping_range = Range { start: middle, end: memory.end().0 as u64 };
        (memory, AddressSpace::new(), boot)
    }

    #[test]
    fn reservations_touch_nothing() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let start = space.map(&mut memory, &boot, Placement::Hint(0), 4 * PAGE_BYTES, PROT_NONE).unwrap_or(0);
        let untouched = memory.put(PAGE_BYTES, &[7]); // as if a program could: shows who zeroes
        assert_eq!(untouched.0, start);
        assert_eq!(space.protect(&mut memory, &boot, start, start + PAGE_BYTES, READ_WRITE), Ok(()));
        assert_eq!(memory.bytes(PAGE_BYTES, 1), [7], "known zero, so not zeroed");
        assert_eq!(space.unmap(&boot, start, start + 4 * PAGE_BYTES), Ok(()));
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 4 * PAGE_BYTES, PROT_NONE), Ok(start));
        assert_eq!(memory.bytes(PAGE_BYTES, 1), [7], "not readable, so not zeroed yet");
        assert_eq!(space.protect(&mut memory, &boot, start, start + PAGE_BYTES, READ_WRITE), Ok(()));
        assert_eq!(memory.bytes(PAGE_BYTES, 1), [0]);
    }

    /// Random operations against one entry per page: what is mapped, with which protection, holding which byte.
    #[test]
    fn behaves_like_pages() {
        const PAGES: usize = 16;
        for seed in 0..200 {
            let mut random = TestRandom(seed);
            let (mut memory, mut space, boot) = machine(0, PAGES);
            let mut model: [Option<(u8, u8)>; PAGES] = [None; PAGES];
            for step in 1..120u8 {
                let first = random.below(PAGES as u64) as usize;
                let count = 1 + random.below((PAGES - first) as u64) as usize;
                let (start, len_bytes) = (BASE + first * PAGE_BYTES, count * PAGE_BYTES);
                let protection = if random.below(3) == 0 { PROT_NONE } else { READ_WRITE };
                match random.below(6) {
                    0 => {
                        let found = space.map(&mut memory, &boot, Placement::Hint(0), len_bytes, protection);
                        let fit = (0..=PAGES - count).find(|&at| model[at..at + count].iter().all(Option::is_none));
                        assert_eq!(found, fit.map(|at| BASE + at * PAGE_BYTES).ok_or(Errno::ENOMEM));
                        if let Some(at) = fit {
                            model[at..at + count].fill(Some((protection, 0)));
                        }
                    }
                    1 => {
                        let found = space.map(&mut memory, &boot, Placement::Fixed(start), len_bytes, protection);
                        assert_eq!(found, Ok(start));
                        model[first..first + count].fill(Some((protection, 0)));
                    }
                    2 => {
                        let free = model[first..first + count].iter().all(Option::is_none);
                        let wish = Placement::FixedNoReplace(start);
                        let found = space.map(&mut memory, &boot, wish, len_bytes, protection);
                        assert_eq!(found, if free { Ok(start) } else { Err(Errno::EEXIST) });
                        if free {
                            model[first..first + count].fill(Some((protection, 0)));
                        }
                    }
                    3 => {
                        assert_eq!(space.unmap(&boot, start, start + len_bytes), Ok(()));
                        model[first..first + count].fill(None);
                    }
                    4 => {
                        let found = space.protect(&mut memory, &boot, start, start + len_bytes, protection);
                        let hole = model[first..first + count].iter().position(Option::is_none);
                        assert_eq!(found, if hole.is_some() { Err(Errno::ENOMEM) } else { Ok(()) });
                        for page in model[first..first + hole.unwrap_or(count)].iter_mut().flatten() {
                            page.0 = protection;
                        }
                    }
                    _ => {
                        assert_eq!(space.discard(&mut memory, &boot, start, start + len_bytes), Ok(()));
                        for page in model[first..first + count].iter_mut().flatten() {
                            page.1 = 0;
                        }
                    }
                }
                // The program writes what it may, and finds what it should.
                for (number, page) in model.iter_mut().enumerate() {
                    if let Some((READ_WRITE, byte)) = page {
                        let stored = memory.bytes(number * PAGE_BYTES, PAGE_BYTES);
                        assert!(stored.iter().all(|stored| stored == byte), "seed {seed}, step {step}, page {number}");
                        if random.below(2) == 0 {
                            *byte = step;
                            memory.put(number * PAGE_BYTES, &vec![step; PAGE_BYTES]);
                        }
                    }
                }
            }
        }
    }
}
