//! Which memory can be kept from being paged out (`mlock(2)`). Nothing ever is; but what cannot be read cannot be brought into
//! memory either (mm/mlock.c, `__mlock_posix_error_return`).

use crate::abi::memory::{PAGE_BYTES, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::UserAddress;

/// Whether the pages of `length` bytes from `address` on can be brought into memory and kept there.
///
/// # Errors
/// EINVAL for what ends behind the last address; ENOMEM for a page that is not mapped or cannot be used at all.
pub fn check_lockable(
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
) -> Result<(), Errno> {
    let mut start = address.0 / PAGE_BYTES * PAGE_BYTES;
    let end = address.0.checked_add(length).and_then(|end| end.checked_next_multiple_of(PAGE_BYTES));
    let end = end.ok_or(Errno::EINVAL)?;
    while start < end {
        let (protection, piece_end) = space.mapped(boot, start, end)?;
        if u32::from(protection) & (PROT_READ | PROT_WRITE | PROT_EXEC) == 0 {
            return Err(Errno::ENOMEM);
        }
        start = piece_end;
    }
    Ok(())
}
