//! `munmap(2)`: <https://man7.org/linux/man-pages/man2/munmap.2.html>. Supported: everything, holes included; the pages of
//! the program break stay. Errors: EINVAL.

use crate::abi::memory::page_range_end;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(215 => munmap);

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
    use crate::abi::memory::PAGE_BYTES;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing_memory::machine;

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
