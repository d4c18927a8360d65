//! What an address space must know of pages that are shared with files, without knowing files: kernels whose program maps none
//! have only this. Who knows is `shared_mappings.rs`.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::page_map::{Contents, Page};
use crate::user_memory::{Reach, UserMemory};

/// The pages that are shared with files.
pub trait SharedPages {
    /// The pages of `start..end` are about to go, however often they were mapped: their files keep what they hold.
    fn release(&self, start: usize, end: usize);

    /// The files of the pages of `start..end` get what was stored there.
    fn settle(&self, start: usize, end: usize);

    /// The first part of `start..end` that is mapped once more, and is not any longer; an empty one at `end` if there is none.
    fn mapped_again(&self, start: usize, end: usize) -> (usize, usize);

    /// Whether the shared pages of `start..end` can become `len_bytes` bytes of the same file, if `moves` in another place.
    ///
    /// # Errors
    /// EFAULT: they are not one behind the other in one file. Unsupported: some of the bytes have another place already.
    fn check_remap(&self, start: usize, end: usize, len_bytes: usize, moves: bool) -> Result<(), Refusal>;

    /// Fills `into` with the file's bytes from `skip` behind those that the page at `start` shows on, with zeros behind its end.
    ///
    /// # Errors
    /// EFAULT: that page shows none.
    fn read(&self, start: usize, skip: usize, into: &mut [u8]) -> Result<(), Refusal>;

    /// The same bytes, `len_bytes` of them, lie at `address` now, and files reach them there so.
    fn add(&self, start: usize, skip: usize, address: usize, len_bytes: usize, reach: Reach);

    /// What the machine allows on the pages of `start..end` has changed: it is told again which lie behind the end of their file.
    fn limit(&self, start: usize, end: usize);
}

impl AddressSpace {
    /// Makes the mapped pages of `start..end` such as are shared with a file.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn mark_shared(&mut self, boot: &BootInfo, start: usize, end: usize, protection: u8) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (pages, known_end) = self.map_of(boot, address, end)?;
            let piece = pages.piece(address, known_end);
            let is_locked = piece.page.is_some_and(Page::is_locked);
            let page = Page::mapped(protection, Contents::Shared).with_lock(is_locked);
            pages.set_piece(address, piece, Some(page))?;
            address = piece.end;
        }
        Ok(())
    }

    /// Whether the page at `address` is shared with a file.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn is_shared(&mut self, boot: &BootInfo, address: usize) -> Result<bool, Errno> {
        let piece = self.piece(boot, address, address + 1)?;
        Ok(piece.page.is_some_and(|page| page.contents() == Contents::Shared))
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
        let result = self.protect_pieces(memory, boot, start, end, protection);
        if let Some(shared) = &self.shared {
            shared.limit(start, end);
        }
        result
    }

    /// Unmaps what is not mapped once more. Errors as [`unmap`](Self::unmap).
    #[cold]
    #[inline(never)]
    pub(super) fn unmap_unless_shared(
        &mut self,
        shared: &dyn SharedPages,
        memory: &mut impl UserMemory,
        boot: &BootInfo,
        start: usize,
        end: usize,
    ) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let (kept, next) = shared.mapped_again(address, end);
            if address < kept {
                shared.release(address, kept);
                self.unmap_pieces(boot, address, kept)?;
                memory.set_access(address, kept, None);
            }
            address = next;
        }
        Ok(())
    }
}
