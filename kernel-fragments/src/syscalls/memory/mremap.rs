//! `mremap(2)`: <https://man7.org/linux/man-pages/man2/mremap.2.html>. Supported: everything for anonymous memory, and pages that
//! are shared with a file shrink, grow and move; not supported: more pages of a private mapping of a file or of shared memory, shared
//! pages in two places (MREMAP_DONTUNMAP, an old length of 0, moving what is mapped twice). Errors: EINVAL, EFAULT, ENOMEM.

use crate::abi::memory::{ADDRESS_SPACE_END, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE, PAGE_BYTES, page_align};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::{AddressSpace, FROM_FILE, SHARED_MEMORY};
use crate::subsystems::mapping_request::Placement;
use crate::subsystems::remapping::{copy, find, grow_in_place, remap_shared};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(216 => mremap);

/// Makes the mapping of `old_length` bytes at `address` have `new_length` bytes, at `new_address` with MREMAP_FIXED.
pub fn mremap(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    old_length: usize,
    new_length: usize,
    flags: u32,
    new_address: UserAddress,
) -> SysResult {
    // The order of the checks is that of mm/mremap.c.
    let has = |wanted: u32| flags & wanted != 0;
    let is_wrong = flags & !(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) != 0
        || has(MREMAP_FIXED | MREMAP_DONTUNMAP) && !has(MREMAP_MAYMOVE)
        || has(MREMAP_DONTUNMAP) && old_length != new_length
        || !address.0.is_multiple_of(PAGE_BYTES);
    let old_length = page_align(old_length).unwrap_or(0);
    let new_length = page_align(new_length).filter(|&length| length != 0).ok_or(Errno::EINVAL)?;
    if is_wrong {
        return Err(Errno::EINVAL.into());
    }
    let start = address.0;
    find(space, boot, start, 1)?;
    if has(MREMAP_FIXED) {
        let is_outside = new_length > ADDRESS_SPACE_END || new_address.0 > ADDRESS_SPACE_END - new_length;
        let overlaps = start.saturating_add(old_length) > new_address.0 && new_address.0 + new_length > start;
        if !new_address.0.is_multiple_of(PAGE_BYTES) || is_outside || overlaps {
            return Err(Errno::EINVAL.into());
        }
    } else if !has(MREMAP_DONTUNMAP) && old_length >= new_length {
        let end = start.checked_add(old_length).ok_or(Errno::EINVAL)?;
        space.unmap(memory, boot, start + new_length, end)?;
        return Ok(start);
    }
    let is_shared = space.is_shared(boot, start)?;
    if is_shared && (old_length == 0 || has(MREMAP_DONTUNMAP)) {
        return Err(Refusal::Unsupported("mremap that shows the same pages of a file in a second place"));
    }
    if old_length == 0 {
        return Err(without_pages(space, boot, start));
    }
    let old = find(space, boot, start, old_length)?;
    if is_shared {
        let (end, new_end) = (start + old_length, start.checked_add(new_length).ok_or(Errno::EINVAL)?);
        let placement = match flags & (MREMAP_MAYMOVE | MREMAP_FIXED) {
            _ if has(MREMAP_FIXED) => Some(Placement::Fixed(new_address.0)),
            _ if space.can_place(end, new_end) => None,
            0 => return Err(Errno::ENOMEM.into()),
            _ => Some(Placement::Hint(0)),
        };
        return remap_shared(memory, space, boot, old, placement, new_length);
    }
    if old.protection & (FROM_FILE | SHARED_MEMORY) != 0 && (new_length > old_length || has(MREMAP_DONTUNMAP)) {
        return Err(Refusal::Unsupported("mremap that makes more pages of a mapped file or of shared memory"));
    }
    if !has(MREMAP_FIXED | MREMAP_DONTUNMAP) && grow_in_place(memory, space, boot, old, new_length)? {
        return Ok(start);
    }
    if !has(MREMAP_MAYMOVE) {
        return Err(Errno::ENOMEM.into());
    }
    let placement = if has(MREMAP_FIXED) { Placement::Fixed(new_address.0) } else { Placement::Hint(new_address.0) };
    let new_start = copy(memory, space, boot, old, placement, new_length)?;
    if has(MREMAP_DONTUNMAP) {
        if old.is_locked {
            space.set_locked(memory, boot, start, start + old_length, false)?;
        }
        space.discard(memory, boot, start, start + old_length)?;
    } else {
        space.unmap(memory, boot, start, start + old_length)?;
    }
    Ok(new_start)
}

/// What comes of no pages of the mapping at `start`: a shared one would be seen in a second place.
#[cold]
#[inline(never)]
fn without_pages(space: &mut AddressSpace, boot: &BootInfo, start: usize) -> Refusal {
    match find(space, boot, start, 1) {
        Ok(mapping) if mapping.protection & SHARED_MEMORY != 0 => {
            Refusal::Unsupported("mremap that shows the same shared memory in a second place")
        }
        _ => Errno::EINVAL.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{MAP_ANONYMOUS, MAP_SHARED};
    use crate::subsystems::zero_mappings::map_zeros;
    use crate::testing_memory::machine;

    const PAGE: usize = PAGE_BYTES;

    #[test]
    fn shrinks_grows_and_moves() {
        let (mut memory, mut space, boot) = machine(1, 16);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE, 3), Ok(base));
        memory.put(PAGE, &[5; 2 * PAGE]);
        let mut call = |space: &mut AddressSpace, address, old, new, flags, to| {
            mremap(&mut memory, space, &boot, UserAddress(address), old, new, flags, UserAddress(to))
        };
        assert_eq!(call(&mut space, base, 2 * PAGE, 3 * PAGE, 0, 0), Ok(base), "room behind");
        assert_eq!(call(&mut space, base, 3 * PAGE, 2 * PAGE - 5, 0, 0), Ok(base));
        assert_eq!(call(&mut space, base, 2 * PAGE, 3 * PAGE, 0, 0), Ok(base));
        let blocker = base + 3 * PAGE;
        assert_eq!(space.check_mapped(&boot, base, blocker), Ok(()));
        assert_eq!(call(&mut space, base, PAGE, 2 * PAGE, 0, 0), Err(Errno::ENOMEM.into()), "not its end");
        let moved = base + 8 * PAGE;
        let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
        assert_eq!(call(&mut space, base, 3 * PAGE, 4 * PAGE, fixed, moved), Ok(moved));
        assert_eq!(space.check_mapped(&boot, base, base + 1), Err(Errno::ENOMEM));
        let keep = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
        let fresh = blocker;
        assert_eq!(call(&mut space, moved, 4 * PAGE, 4 * PAGE, keep, 0), Ok(fresh));
        assert_eq!(call(&mut space, fresh, 4 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, 0), Err(Errno::ENOMEM.into()));
        assert!(memory.bytes(4 * PAGE, 2 * PAGE).iter().all(|&byte| byte == 5));
        assert!(memory.bytes(6 * PAGE, 2 * PAGE).iter().all(|&byte| byte == 0));
        assert!(memory.bytes(9 * PAGE, 4 * PAGE).iter().all(|&byte| byte == 0), "what stays is empty");
    }

    #[test]
    fn contents_without_access_move_too() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), PAGE, 3), Ok(base));
        memory.put(PAGE, &[7; PAGE]);
        assert_eq!(space.protect(&mut memory, &boot, base, base + PAGE, 0), Ok(()));
        let (old, to) = (UserAddress(base), UserAddress(base + 4 * PAGE));
        let fixed = MREMAP_MAYMOVE | MREMAP_FIXED;
        assert_eq!(mremap(&mut memory, &mut space, &boot, old, PAGE, 2 * PAGE, fixed, to), Ok(to.0));
        assert_eq!(space.mapped(&boot, to.0, to.0 + 2 * PAGE), Ok((0, to.0 + 2 * PAGE)));
        assert_eq!((memory.bytes(5 * PAGE, 1), memory.bytes(6 * PAGE, 1)), (&[7][..], &[0][..]));
    }

    #[test]
    fn shared_memory_is_in_one_place() {
        let (mut memory, mut space, boot) = machine(0, 8);
        let base = boot.mapping_range.start as usize;
        let flags = MAP_SHARED | MAP_ANONYMOUS;
        let start = map_zeros(&mut memory, &mut space, &boot, UserAddress::NULL, PAGE, 3, flags, 0);
        assert_eq!((start, space.mapped(&boot, base, base + 1)), (Ok(base), Ok((3 | SHARED_MEMORY, base + 1))));
        let mut call = |old, new, flags, to: usize| {
            mremap(&mut memory, &mut space, &boot, UserAddress(base), old, new, flags, UserAddress(base + to))
        };
        let dontunmap = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
        for (old, new, flags) in [(0, PAGE, MREMAP_MAYMOVE), (PAGE, 2 * PAGE, 0), (PAGE, PAGE, dontunmap)] {
            assert!(matches!(call(old, new, flags, 0), Err(Refusal::Unsupported(_))), "{old} {new}");
        }
        let to = base + 4 * PAGE;
        assert_eq!(call(PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 4 * PAGE), Ok(to));
        assert_eq!(space.mapped(&boot, to, to + PAGE), Ok((3 | SHARED_MEMORY, to + PAGE)), "it stays so");
    }

    #[test]
    fn refusals() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE, 3), Ok(base));
        for (address, old, new, flags, to, errno) in [
            (base + 1, PAGE, PAGE, 0, 0, Errno::EINVAL),
            (base, PAGE, 0, 0, 0, Errno::EINVAL),
            (base, PAGE, PAGE, 8, 0, Errno::EINVAL),
            (base, PAGE, PAGE, MREMAP_FIXED, base + 4 * PAGE, Errno::EINVAL),
            (base, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, Errno::EINVAL),
            (base, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + 1, Errno::EINVAL),
            (base, 2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, base + PAGE, Errno::EINVAL),
            (base, 0, PAGE, MREMAP_MAYMOVE, 0, Errno::EINVAL),
            (base + 4 * PAGE, PAGE, 2 * PAGE, 0, 0, Errno::EFAULT),
            (base, 3 * PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0, Errno::EFAULT),
        ] {
            let result = mremap(&mut memory, &mut space, &boot, UserAddress(address), old, new, flags, UserAddress(to));
            assert_eq!(result, Err(errno.into()), "{address:#x} {old} {new} {flags}");
        }
    }
}
