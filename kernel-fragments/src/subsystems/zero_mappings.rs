//! Mappings of zeros, as `mmap(2)` makes them without a file.

use crate::abi::memory::{MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_HUGETLB, MAP_LOCKED, MAP_SHARED, MAP_TYPE, PROT_ALL};
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::{AddressSpace, SHARED_MEMORY};
use crate::subsystems::locking::lock_if_asked;
use crate::subsystems::mapping_request::{MappingRequest, check_anonymous_type};
use crate::user_memory::{UserAddress, UserMemory};

/// Flags that few mappings have, and that ask for more than memory somewhere.
const SPECIAL: u32 = MAP_FIXED | MAP_FIXED_NOREPLACE | MAP_HUGETLB | MAP_LOCKED | MAP_SHARED;

/// Maps `length` bytes of zeros with `protection` at or near `wish`.
///
/// # Errors
/// EINVAL, ENOMEM, EEXIST, EOVERFLOW.
#[inline]
pub fn map_zeros(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    offset: usize,
) -> SysResult {
    if flags & SPECIAL != 0 {
        return map_specially(memory, space, boot, wish, length, protection, flags, offset);
    }
    let request = MappingRequest::new(wish, length, flags & !SPECIAL, offset)?;
    check_anonymous_type(flags)?;
    Ok(space.map(memory, boot, request.placement, request.len_bytes, protection as u8 & PROT_ALL)?)
}

/// The same, with all flags.
#[cold]
#[inline(never)]
fn map_specially(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    offset: usize,
) -> SysResult {
    let request = MappingRequest::new(wish, length, flags, offset)?;
    check_anonymous_type(flags)?;
    let kind = if flags & MAP_TYPE == MAP_SHARED { SHARED_MEMORY } else { 0 };
    let start = space.map(memory, boot, request.placement, request.len_bytes, protection as u8 & PROT_ALL | kind)?;
    lock_if_asked(memory, space, boot, start, length, flags)?;
    Ok(start)
}
