//! `mincore(2)`: <https://man7.org/linux/man-pages/man2/mincore.2.html>. Supported: everything; on this machine every mapped
//! page is in memory. Errors: EINVAL, ENOMEM, EFAULT.

use crate::abi::memory::{PAGE_BYTES, page_range_end};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(232 => mincore);

/// Stores a 1 at `vector` for each page of `length` bytes from `address` on.
pub fn mincore(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
    vector: UserAddress,
) -> SysResult {
    if !address.0.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    let end = page_range_end(address.0, length).ok_or(Errno::ENOMEM)?;
    let (mut start, mut place) = (address.0, vector);
    while start < end {
        // What is known before a hole is stored (mm/mincore.c).
        let (_, piece_end) = space.mapped(boot, start, end)?;
        let count = piece_end.saturating_sub(start) / PAGE_BYTES;
        memory.slice_mut(place, count)?.fill(1);
        (start, place) = (piece_end, place.add(count));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_memory::machine;

    #[test]
    fn all_of_it() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let vector = memory.address(0);
        let mut call = |memory: &mut _, address, length, vector| {
            mincore(memory, &mut space, &boot, UserAddress(address), length, vector)
        };
        assert_eq!(call(&mut memory, base, PAGE_BYTES + 1, vector), Ok(0));
        assert_eq!(memory.bytes(0, 3), [1, 1, 0]);
        assert_eq!(call(&mut memory, base, 3 * PAGE_BYTES, vector), Err(Errno::ENOMEM.into()));
        assert_eq!(call(&mut memory, base, usize::MAX, vector), Err(Errno::ENOMEM.into()));
        assert_eq!(call(&mut memory, base + 1, 1, vector), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, base, 1, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(
            call(&mut memory, base, 3 * PAGE_BYTES, UserAddress(8)),
            Err(Errno::EFAULT.into()),
            "before the hole"
        );
    }
}
