//! `msync(2)`: <https://man7.org/linux/man-pages/man2/msync.2.html>. Supported: everything; there is nothing to write back, but files
//! get their times then.
//! Errors: EINVAL, ENOMEM, EBUSY.

use crate::abi::memory::{PAGE_BYTES, page_align};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::UserAddress;

syscall!(227 => msync);

const MS_ASYNC: u32 = 1;
const MS_INVALIDATE: u32 = 2;
const MS_SYNC: u32 = 4;

/// Checks that the pages of `length` bytes from `address` on are mapped and, for MS_INVALIDATE, not locked.
pub fn msync(space: &mut AddressSpace, boot: &BootInfo, address: UserAddress, length: usize, flags: u32) -> SysResult {
    let is_both = flags & (MS_ASYNC | MS_SYNC) == MS_ASYNC | MS_SYNC;
    if flags & !(MS_ASYNC | MS_INVALIDATE | MS_SYNC) != 0 || !address.0.is_multiple_of(PAGE_BYTES) || is_both {
        return Err(Errno::EINVAL.into());
    }
    // mm/msync.c: a length that wraps to 0 is one of 0.
    let end = address.0.checked_add(page_align(length).unwrap_or(0)).ok_or(Errno::ENOMEM)?;
    // Holes are passed over, and told in the end.
    if flags & MS_INVALIDATE != 0 && space.first_locked(boot, address.0, end)?.0 {
        return Err(Errno::EBUSY.into());
    }
    space.check_mapped(boot, address.0, end)?;
    if let Some(shared) = &space.shared {
        shared.settle(address.0, end);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_memory::machine;

    #[test]
    fn locked_pages_cannot_be_invalidated() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let second = base + PAGE_BYTES;
        assert_eq!(space.set_locked(&mut memory, &boot, second, second + PAGE_BYTES, true), Ok(()));
        let mut call =
            |address, pages, flags| msync(&mut space, &boot, UserAddress(address), pages * PAGE_BYTES, flags);
        assert_eq!(call(base, 1, MS_INVALIDATE | MS_SYNC), Ok(0));
        assert_eq!(call(base, 2, MS_INVALIDATE | MS_SYNC), Err(Errno::EBUSY.into()));
        assert_eq!(call(base, 2, MS_SYNC), Ok(0));
        assert_eq!(call(base - PAGE_BYTES, 3, MS_INVALIDATE), Err(Errno::EBUSY.into()), "before the hole is told");
        assert_eq!(call(base - PAGE_BYTES, 2, MS_INVALIDATE), Err(Errno::ENOMEM.into()));
    }

    #[test]
    fn checks_only() {
        let (_, mut space, boot) = machine(1, 1);
        let base = boot.program_ranges[0].start as usize;
        let mut call = |address, length, flags| msync(&mut space, &boot, UserAddress(address), length, flags);
        assert_eq!(call(base, PAGE_BYTES, MS_SYNC), Ok(0));
        assert_eq!(call(base, 2 * PAGE_BYTES, MS_SYNC), Err(Errno::ENOMEM.into()));
        assert_eq!(call(0, 0, 0), Ok(0));
        for (address, flags) in [(base + 1, 0), (base, 8), (base, MS_ASYNC | MS_SYNC)] {
            assert_eq!(call(address, 1, flags), Err(Errno::EINVAL.into()));
        }
    }
}
