//! The program's address space: which pages are mapped, with which protection, and which must be zeroed before they are
//! handed out (again).
//!
//! mmap places in the range that the builder set aside, and prefers pages that nobody ever had: they are known zero and
//! need no zeroing. Where is what `room.rs` says. A PROT_NONE reservation touches no memory at all, whatever its size.
//! The program's segments, stack and whole break range count as mapped from the start; how far the break is moved is not
//! looked at. Protections are kept, and enforced where the program's memory can do that (`UserMemory::set_access`).

use crate::abi::memory::{PAGE_BYTES, PROT_ALL, PROT_NONE, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::locking::lock_new;
use crate::subsystems::mapping_request::Placement;
use crate::subsystems::page_kinds::{check_keeps, refuse_writing};
use crate::subsystems::page_map::{Contents, Page, PageMap};
use crate::subsystems::room::{FRESH_PARTS, find_room};
use crate::subsystems::shared_pages::SharedPages;
use crate::subsystems::span_list::Piece;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

/// The address space.
pub struct AddressSpace {
    /// The pages of the range where mmap places.
    pages: PageMap,
    /// That range; empty until the first call.
    start: usize,
    end: usize,
    /// From here up to `fresh_end` nobody ever had a page, nor is one mapped behind, unless `fresh_end` was lowered to it.
    pub(super) fresh: usize,
    pub(super) fresh_end: usize,
    /// Every page of the range below is mapped: where looking for room starts.
    first_free: usize,
    /// All other pages, once somebody asked for one.
    others: PageMap,
    knows_others: bool,
    /// Whether what is mapped is kept in memory (`mlockall(2)`).
    pub locks_future: bool,
    /// Who knows what is shared with files, once something is.
    pub shared: Option<Rc<dyn SharedPages>>,
}

/// Unmapped guard pages between stale ones count as stale: zeroing them costs less than remembering each.
const SMALL_BYTES: usize = 4 * PAGE_BYTES;

/// Added to a protection: the pages are a file's.
pub const FROM_FILE: u8 = 8;
/// Added as well: a file that was not opened for writing, shared: the pages cannot become writable.
pub const SHARED_FILE: u8 = 16;
/// The same without [`FROM_FILE`]: shared memory without a file, which Linux keeps in one of its own: it outlives being discarded.
pub const SHARED_MEMORY: u8 = SHARED_FILE;

impl AddressSpace {
    /// An address space that learns its ranges at its first call.
    pub const fn new() -> AddressSpace {
        AddressSpace {
            pages: PageMap::new(),
            start: 0,
            end: 0,
            fresh: 0,
            fresh_end: 0,
            first_free: 0,
            others: PageMap::new(),
            knows_others: false,
            locks_future: false,
            shared: None,
        }
    }

    /// Learns where mmap places, once.
    #[inline(always)]
    pub(super) fn prepare(&mut self, boot: &BootInfo) {
        if self.end == 0 {
            self.learn_range(boot);
        }
    }

    #[cold]
    #[inline(never)]
    fn learn_range(&mut self, boot: &BootInfo) {
        self.set_range(boot);
    }

    #[inline(always)]
    fn set_range(&mut self, boot: &BootInfo) {
        self.start = boot.mapping_range.start as usize;
        self.end = boot.mapping_range.end as usize;
        self.fresh = self.start;
        self.fresh_end = self.start + self.end.saturating_sub(self.start) / FRESH_PARTS / PAGE_BYTES * PAGE_BYTES;
        self.first_free = self.start;
    }

    /// Notes what the program was born with, once.
    #[cold]
    #[inline(never)]
    fn learn_others(&mut self, boot: &BootInfo) -> Result<(), Errno> {
        let live = Page::mapped(PROT_ALL, Contents::Live);
        for range in boot.program_ranges.iter().filter(|range| range.start < range.end) {
            let start = range.start as usize / PAGE_BYTES * PAGE_BYTES;
            self.others.append(start, (range.end as usize).next_multiple_of(PAGE_BYTES), live)?;
        }
        // Linux maps 128 KiB below the first stack pointer and lets the stack grow into what lies further down
        // (fs/exec.c, setup_arg_pages). musl walks over the mapped pages one by one (pthread_getattr_np).
        let reserved_end = (boot.initial_stack_pointer as usize).saturating_sub(128 << 10) & !(PAGE_BYTES - 1);
        self.others.set(boot.stack_range.start as usize, reserved_end, Some(Page::STALE))?;
        self.knows_others = true;
        Ok(())
    }

    /// The map that knows `address`, and where what it knows ends, at most at `end`.
    #[inline(always)]
    pub(super) fn map_of(
        &mut self,
        boot: &BootInfo,
        address: usize,
        end: usize,
    ) -> Result<(&mut PageMap, usize), Errno> {
        self.prepare(boot);
        if self.start <= address && address < self.end {
            return Ok((&mut self.pages, end.min(self.end)));
        }
        self.others_from(boot, address, end)
    }

    #[cold]
    #[inline(never)]
    fn others_from(&mut self, boot: &BootInfo, address: usize, end: usize) -> Result<(&mut PageMap, usize), Errno> {
        if !self.knows_others {
            self.learn_others(boot)?;
        }
        let end = if address < self.start { end.min(self.start) } else { end };
        Ok((&mut self.others, end))
    }

    /// Maps `len_bytes` (whole pages, not 0) of zeros with `protection` and returns where.
    ///
    /// # Errors
    /// ENOMEM: no room, or the place is no memory of this machine. EEXIST: the place is taken and may not be replaced.
    #[inline]
    pub fn map(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        placement: Placement,
        len_bytes: usize,
        protection: u8,
    ) -> Result<usize, Errno> {
        self.prepare(boot);
        if placement == Placement::Hint(0) && len_bytes <= self.fresh_end - self.fresh {
            let start = self.map_fresh(len_bytes, protection)?;
            memory.set_access(start, start + len_bytes, Some(protection & PROT_ALL));
            return Ok(start);
        }
        self.map_anywhere(memory, boot, placement, len_bytes, protection)
    }

    /// Maps the first `len_bytes` that nobody ever had; there are as many.
    fn map_fresh(&mut self, len_bytes: usize, protection: u8) -> Result<usize, Errno> {
        let end = self.fresh + len_bytes;
        self.pages.append(self.fresh, end, Page::fresh(protection))?;
        Ok(self.take_fresh(end))
    }

    /// As [`map`](Self::map) of whole pages at [`Hint(0)`](Placement::Hint), where nobody ever had them and no room has to be made
    /// for what is known of them; `None`, and nothing happens, elsewhere.
    #[inline]
    pub fn map_quickly(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        len_bytes: usize,
        protection: u8,
    ) -> Option<usize> {
        if len_bytes > self.fresh_end - self.fresh {
            // Before the first call there are none.
            (self.end == 0).then(|| self.pages.begin_quickly())??;
            self.set_range(boot);
            (len_bytes <= self.fresh_end - self.fresh).then_some(())?;
        }
        let end = self.fresh + len_bytes;
        self.pages.append_quickly(self.fresh, end, Page::fresh(protection))?;
        memory.set_access(self.fresh, end, Some(protection & PROT_ALL));
        Some(self.take_fresh(end))
    }

    /// Notes that nobody's pages begin at `end` now, and says where they began.
    #[inline]
    fn take_fresh(&mut self, end: usize) -> usize {
        let start = core::mem::replace(&mut self.fresh, end);
        if start == self.first_free {
            self.first_free = end;
        }
        start
    }

    #[inline(never)]
    fn map_anywhere(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        placement: Placement,
        len_bytes: usize,
        protection: u8,
    ) -> Result<usize, Errno> {
        self.pages.join();
        let start = match placement {
            Placement::Hint(wish) => match wish.checked_add(len_bytes) {
                Some(end) if wish != 0 && self.can_place(wish, end) => wish,
                _ if len_bytes <= self.fresh_end - self.fresh => {
                    let start = self.map_fresh(len_bytes, protection)?;
                    memory.set_access(start, start + len_bytes, Some(protection & PROT_ALL));
                    return Ok(start);
                }
                _ => find_room(&mut self.pages, self.start, self.first_free, self.end, len_bytes)?,
            },
            Placement::Fixed(start) => start,
            Placement::FixedNoReplace(start) => {
                if !self.is_free(boot, start, start.saturating_add(len_bytes))? {
                    return Err(Errno::EEXIST);
                }
                start
            }
        };
        let end = start.checked_add(len_bytes).ok_or(Errno::ENOMEM)?;
        memory.can_hold(UserAddress(start), len_bytes).then_some(()).ok_or(Errno::ENOMEM)?;
        if let Some(shared) = &self.shared {
            shared.release(start, end);
        }
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            let piece = pages.piece(address, known_end);
            let is_zero = piece.page.is_none_or(|page| page.contents() == Contents::Zero);
            let contents = if protection & PROT_ALL == PROT_NONE {
                if is_zero { Contents::Zero } else { Contents::Stale }
            } else {
                if !is_zero {
                    memory.zero_pages(address, piece.end)?;
                }
                Contents::Live
            };
            pages.set_piece(address, piece, Some(Page::mapped(protection, contents)))?;
            memory.set_access(address, piece.end, Some(protection & PROT_ALL));
            address = piece.end;
        }
        if start <= self.first_free && self.first_free < end {
            self.first_free = end;
        }
        if start < self.fresh_end && self.fresh < end {
            // The fresh pages begin behind, or end before.
            if start <= self.fresh {
                self.fresh = end.min(self.fresh_end);
            } else {
                self.fresh_end = start;
            }
        }
        if self.locks_future {
            lock_new(memory, self, boot, start, end)?;
        }
        Ok(start)
    }

    /// Unmaps whatever is mapped in `start..end` (page-aligned).
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    #[inline]
    pub fn unmap(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
    ) -> Result<(), Errno> {
        if self.pages.retire_older(start, end, SMALL_BYTES) {
            memory.set_access(start, end, None);
        } else if let Some(shared) = self.shared.clone() {
            self.unmap_unless_shared(&*shared, memory, boot, start, end)?;
        } else {
            self.unmap_pieces(boot, start, end)?;
            memory.set_access(start, end, None);
        }
        if start < self.first_free && end > self.start {
            self.first_free = start.max(self.start);
        }
        Ok(())
    }

    /// As [`unmap`](Self::unmap), where it calls nothing, as of a thread's stack with its guard pages; else it is false.
    #[inline]
    pub fn unmap_quickly(&mut self, memory: &mut impl UserMemory, start: usize, end: usize) -> bool {
        let is_done = self.pages.retire(start, end, SMALL_BYTES);
        if is_done {
            memory.set_access(start, end, None);
            self.first_free = self.first_free.min(start);
        }
        is_done
    }

    #[inline(never)]
    pub(super) fn unmap_pieces(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            let piece = pages.piece(address, known_end);
            if let Some(page) = piece.page
                && page.is_mapped()
            {
                let is_zero = page.contents() == Contents::Zero && piece.end - address > SMALL_BYTES;
                pages.set_piece(address, piece, if is_zero { None } else { Some(Page::STALE) })?;
                if is_zero && piece.end == self.fresh && self.start <= address {
                    self.fresh = address;
                }
            }
            address = piece.end;
        }
        Ok(())
    }

    /// Sets the protection of `start..end` if these are the end of what was reserved last, as of the stack of a thread what is
    /// not its guard pages; otherwise it does nothing, and is false.
    #[inline]
    pub fn open_reserved(&mut self, memory: &mut impl UserMemory, start: usize, end: usize, protection: u8) -> bool {
        let (reserved, open) = (Page::mapped(PROT_NONE, Contents::Zero), Page::mapped(protection, Contents::Live));
        let is_done = protection != PROT_NONE && self.pages.split_last(start, end, reserved, open);
        if is_done {
            memory.set_access(start, end, Some(protection));
        }
        is_done
    }

    /// [`protect`](Self::protect) without telling anybody.
    pub(super) fn protect_pieces(
        &mut self,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
        protection: u8,
    ) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            let piece = pages.piece(address, known_end);
            let page = piece.page.ok_or(Errno::ENOMEM)?;
            let (old, mut contents) = (page.protection().ok_or(Errno::ENOMEM)?, page.contents());
            if old & SHARED_FILE != 0 && protection & PROT_WRITE as u8 != 0 {
                refuse_writing(old)?;
            }
            if protection != PROT_NONE && contents != Contents::Shared {
                if contents == Contents::Stale {
                    memory.zero_pages(address, piece.end)?;
                }
                contents = Contents::Live;
            }
            let page = Page::mapped(protection | old & !PROT_ALL, contents).with_lock(page.is_locked());
            pages.set_piece(address, piece, Some(page))?;
            memory.set_access(address, piece.end, Some(protection));
            address = piece.end;
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
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            let piece = pages.piece(address, known_end);
            let is_locked = piece.page.is_some_and(Page::is_locked);
            match piece.page.and_then(|page| Some((page.protection()?, page.contents()))) {
                Some((_, Contents::Shared)) => (), // the file still has them
                Some((protection, _)) if protection & (FROM_FILE | SHARED_MEMORY) != 0 => check_keeps(protection)?,
                Some((PROT_NONE, Contents::Live)) if !is_locked => {
                    pages.set_piece(address, piece, Some(Page::mapped(PROT_NONE, Contents::Stale)))?;
                }
                Some((protection, Contents::Live)) => {
                    memory.zero_pages(address, piece.end)?;
                    memory.set_access(address, piece.end, Some(protection & PROT_ALL));
                }
                _ => (),
            }
            address = piece.end;
        }
        Ok(())
    }

    /// The protection of the mapped page at `address`, and where pages like it end, at most at `end`.
    ///
    /// # Errors
    /// ENOMEM if it is not mapped.
    pub fn mapped(&mut self, boot: &BootInfo, address: usize, end: usize) -> Result<(u8, usize), Errno> {
        let piece = self.piece(boot, address, end)?;
        let protection = piece.page.and_then(Page::protection).ok_or(Errno::ENOMEM)?;
        Ok((protection, piece.end))
    }

    /// Whether every page of `start..end` is mapped; ENOMEM if not.
    pub fn check_mapped(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            address = self.mapped(boot, address, end)?.1;
        }
        Ok(())
    }

    /// What the pages from `address` on are, and where pages like it end, at most at `end`; ENOMEM if the kernel's heap
    /// is full.
    pub fn piece(&mut self, boot: &BootInfo, address: usize, end: usize) -> Result<Piece, Errno> {
        let (pages, known_end) = self.map_of(boot, address, end)?;
        Ok(pages.piece(address, known_end))
    }

    /// How many bytes mmap can still give out, in whatever pieces.
    pub fn free_bytes(&mut self, boot: &BootInfo) -> usize {
        self.prepare(boot);
        let mapped = self.pages.spans().filter(|span| span.page.is_mapped());
        let taken: usize = mapped.map(|span| span.end.saturating_sub(span.start)).sum();
        self.end.saturating_sub(self.start).saturating_sub(taken)
    }

    /// Whether mmap could place something at exactly `start..end`.
    pub fn can_place(&self, start: usize, end: usize) -> bool {
        self.start <= start && end <= self.end && self.pages.is_free(start, end)
    }

    #[inline(never)]
    fn is_free(&mut self, boot: &BootInfo, start: usize, end: usize) -> Result<bool, Errno> {
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            if !pages.is_free(address, known_end) {
                return Ok(false);
            }
            address = known_end;
        }
        Ok(true)
    }
}
