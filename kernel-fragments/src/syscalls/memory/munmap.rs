//! `munmap(2)`: <https://man7.org/linux/man-pages/man2/munmap.2.html>. Supported: everything, holes included; the pages of
//! the program break stay. Errors: EINVAL.

use crate::abi::memory::{PAGE_BYTES, page_range_end};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(215 => munmap);
quick!(unmap_whole);

/// What was mapped in one piece, and stacks of threads.
pub fn unmap_whole(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    address: UserAddress,
    length: usize,
) -> Option<SysResult> {
    // Of any other length the last page would be whole, too. What mmap gave out is no break.
    let end = address.0.wrapping_add(length);
    let is_range = address.0 < end && length.is_multiple_of(PAGE_BYTES);
    (is_range && space.unmap_quickly(memory, address.0, end)).then_some(Ok(0))
}

/// Unmaps every page of `length` bytes from `address` on.
pub fn munmap(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
) -> SysResult {
    let end = page_range_end(address.0, length).filter(|&end| end > address.0).ok_or(Errno::EINVAL)?;
    if address.0 < boot.break_range.end as usize && end > boot.break_range.start as usize {
        return Err(Refusal::Unsupported("munmap of the program break"));
    }
    space.unmap(memory, boot, address.0, end)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing::FakeMemory;
    use crate::testing_memory::machine;

    /// What is quick comes to the same, and does nothing where it is not.
    #[test]
    fn quickly_or_not_at_all() {
        let ((mut memory, mut space, boot), page) = (machine(1, 32), PAGE_BYTES);
        let base = boot.mapping_range.start as usize;
        let mut unmap = |space: &mut AddressSpace, first, length| {
            unmap_whole(&mut memory, space, UserAddress(base + first), length)
        };
        assert_eq!(unmap(&mut space, 0, page), None, "nothing is mapped");
        let mut other = FakeMemory::new(page);
        assert_eq!(space.map(&mut other, &boot, Placement::Hint(0), 2 * page, 3), Ok(base));
        assert_eq!(space.map(&mut other, &boot, Placement::Hint(0), 4 * page, 0), Ok(base + 2 * page));
        assert!(space.open_reserved(&mut other, base + 3 * page, base + 6 * page, 3));
        for (first, length) in [
            (0, 0),
            (1, page),
            (0, page),
            (page, page),
            (2 * page, 4 * page - 1),
            (2 * page, 5 * page),
            (0, usize::MAX),
        ] {
            assert_eq!(unmap(&mut space, first, length), None, "{first:#x} {length:#x}");
        }
        assert_eq!(space.mapped(&boot, base, base + 16 * page), Ok((3, base + 2 * page)));
        assert_eq!(unmap(&mut space, 2 * page, 4 * page), Some(Ok(0)));
        assert_eq!(space.mapped(&boot, base + 2 * page, base + 16 * page), Err(Errno::ENOMEM));
        // What lies at room that was given back is shorter now.
        assert_eq!(space.map(&mut other, &boot, Placement::Hint(0), 4 * page, 3), Ok(base + 6 * page));
        for (first, length) in [(6 * page, 0), (7 * page, page), (6 * page, 5 * page)] {
            assert_eq!(unmap(&mut space, first, length), None, "{first:#x} {length:#x}");
        }
        for (first, length) in [(6 * page, page), (9 * page, page), (7 * page, 2 * page)] {
            assert_eq!(unmap(&mut space, first, length), Some(Ok(0)), "{first:#x} {length:#x}");
            assert_eq!(unmap(&mut space, first, 0), None, "{first:#x}");
        }
        assert_eq!(unmap(&mut space, 0, 2 * page), Some(Ok(0)));
        assert_eq!(space.mapped(&boot, base, base + 16 * page), Err(Errno::ENOMEM));
        // All is room again, what was written zero.
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 32 * page, 3), Ok(base));
    }

    #[test]
    fn holes_are_fine() {
        let (mut memory, mut space, boot) = machine(1, 4);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, 3), Ok(base));
        let behind = UserAddress(base + PAGE_BYTES);
        assert_eq!(munmap(&mut memory, &mut space, &boot, behind, 8 * PAGE_BYTES), Ok(0));
        assert_eq!(munmap(&mut memory, &mut space, &boot, behind, 8 * PAGE_BYTES), Ok(0));
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 3 * PAGE_BYTES, 3), Ok(base + PAGE_BYTES));
        for (address, length) in [(base + 1, 1), (base, 0), (base, usize::MAX), (usize::MAX - 4095, 1)] {
            let result = munmap(&mut memory, &mut space, &boot, UserAddress(address), length);
            assert_eq!(result, Err(Errno::EINVAL.into()));
        }
    }
}
