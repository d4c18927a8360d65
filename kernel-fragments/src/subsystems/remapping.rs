//! Moving and resizing mappings. What is where never changes, so what moves is copied.

use crate::abi::memory::{PROT_ALL, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::address_space::{AddressSpace, FROM_FILE};
use crate::subsystems::locking::keep_lock;
use crate::subsystems::mapping_request::Placement;
use crate::subsystems::page_map::{Contents, Page};
use crate::user_memory::{UserAddress, UserMemory};

/// A mapping to resize.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Its first address.
    pub start: usize,
    /// Its length, in bytes.
    pub len_bytes: usize,
    /// Its protection.
    pub protection: u8,
    /// Whether it is kept in memory (`mlock(2)`).
    pub is_locked: bool,
}

/// The mapping of `len_bytes` at `start`, which must be mapped as a whole, all with one protection.
///
/// # Errors
/// EFAULT if it is not.
pub fn find(space: &mut AddressSpace, boot: &BootInfo, start: usize, len_bytes: usize) -> Result<Mapping, Errno> {
    let end = start.checked_add(len_bytes).ok_or(Errno::EFAULT)?;
    let first = space.piece(boot, start, end)?;
    let of = |page: Option<Page>| Some((page?.protection()?, page?.is_locked()));
    let (protection, is_locked) = of(first.page).ok_or(Errno::EFAULT)?;
    let mut address = first.end;
    while address < end {
        let piece = space.piece(boot, address, end)?;
        if of(piece.page) != Some((protection, is_locked)) {
            return Err(Errno::EFAULT);
        }
        address = piece.end;
    }
    Ok(Mapping { start, len_bytes, protection, is_locked })
}

/// Makes `old` longer where it is, if what lies behind is free; says whether it did.
///
/// # Errors
/// ENOMEM if the kernel's heap is full.
pub fn grow_in_place(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    old: Mapping,
    len_bytes: usize,
) -> Result<bool, Errno> {
    let (end, Some(new_end)) = (old.start + old.len_bytes, old.start.checked_add(len_bytes)) else { return Ok(false) };
    if !space.can_place(end, new_end) {
        return Ok(false);
    }
    space.map(memory, boot, Placement::Fixed(end), new_end - end, old.protection)?;
    keep_lock(memory, space, boot, old.is_locked, (end, new_end))?;
    Ok(true)
}

/// Maps `len_bytes` elsewhere with what `old` holds, as far as it fits, and returns where. The old pages stay.
///
/// # Errors
/// ENOMEM.
pub fn copy(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    old: Mapping,
    placement: Placement,
    len_bytes: usize,
) -> Result<usize, Errno> {
    let old_end = old.start + old.len_bytes.min(len_bytes);
    let has_contents = live_piece(space, boot, old.start, old_end)?.is_some();
    let is_hidden = old.protection & (PROT_READ | PROT_WRITE | PROT_EXEC) as u8 == PROT_NONE;
    let protection = if is_hidden && has_contents { PROT_READ as u8 | old.protection } else { old.protection };
    let start = space.map(memory, boot, placement, len_bytes, protection)?;
    let end = start + len_bytes;
    let (readable, writable) = (PROT_READ as u8, (PROT_READ | PROT_WRITE) as u8);
    memory.set_access(old.start, old_end, Some(readable));
    memory.set_access(start, end, Some(writable));
    let mut address = old.start;
    while let Some((from, end)) = live_piece(space, boot, address, old_end)? {
        copy_bytes(memory, from, start + (from - old.start), end - from)?;
        address = end;
    }
    let access = old.protection & (PROT_READ | PROT_WRITE | PROT_EXEC) as u8;
    memory.set_access(old.start, old_end, Some(access));
    memory.set_access(start, end, Some(access));
    if protection != old.protection {
        space.protect(memory, boot, start, start + len_bytes, PROT_NONE)?;
    }
    keep_lock(memory, space, boot, old.is_locked, (start, end))?;
    Ok(start)
}

/// Has `old`, pages that are shared with a file, show `len_bytes` bytes of it, where `placement` says or, without one, where it is,
/// and returns where. Pages that become more show the file, too.
///
/// # Errors
/// EFAULT if the pages are not one behind the other in one file. ENOMEM. Unsupported: some of the bytes have another place already.
#[cold]
#[inline(never)]
pub fn remap_shared(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    old: Mapping,
    placement: Option<Placement>,
    len_bytes: usize,
) -> Result<usize, Refusal> {
    let shared = space.shared.clone().ok_or(Errno::EFAULT)?;
    let old_end = old.start + old.len_bytes;
    shared.check_remap(old.start, old_end, len_bytes, placement.is_some())?;
    let skip = if placement.is_some() { 0 } else { old.len_bytes };
    let more = len_bytes.saturating_sub(skip);
    let filling = (PROT_READ | PROT_WRITE) as u8 | FROM_FILE;
    let start = space.map(memory, boot, placement.unwrap_or(Placement::Fixed(old_end)), more, filling)?;
    let end = start + more;
    shared.read(old.start, skip, memory.slice_mut(UserAddress(start), more)?)?;
    let reach = memory.reach(UserAddress(start), more).ok_or(Errno::ENOMEM)?;
    if let Err(errno) = space.mark_shared(boot, start, end, old.protection) {
        space.unmap(memory, boot, start, end)?;
        return Err(errno.into());
    }
    memory.set_access(start, end, Some(old.protection & PROT_ALL));
    shared.add(old.start, skip, start, more, reach);
    keep_lock(memory, space, boot, old.is_locked, (start, end))?;
    if placement.is_none() {
        return Ok(old.start);
    }
    space.unmap(memory, boot, old.start, old_end)?;
    Ok(start)
}

/// The first pages of `start..end` that hold something.
fn live_piece(
    space: &mut AddressSpace,
    boot: &BootInfo,
    mut start: usize,
    end: usize,
) -> Result<Option<(usize, usize)>, Errno> {
    while start < end {
        let piece = space.piece(boot, start, end)?;
        if piece.page.is_some_and(|page| page.contents() == Contents::Live) {
            return Ok(Some((start, piece.end)));
        }
        start = piece.end;
    }
    Ok(None)
}

/// Copies between places that do not overlap.
fn copy_bytes(memory: &mut impl UserMemory, from: usize, to: usize, len_bytes: usize) -> Result<(), Errno> {
    const CHUNK_BYTES: usize = 512; // divides a page
    for offset in (0..len_bytes).step_by(CHUNK_BYTES) {
        let chunk = memory.read::<CHUNK_BYTES>(UserAddress(from + offset))?;
        memory.write(UserAddress(to + offset), &chunk)?;
    }
    Ok(())
}
