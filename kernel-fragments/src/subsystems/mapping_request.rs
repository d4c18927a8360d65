//! What `mmap` is asked for, checked in Linux's order (arch/riscv/kernel/sys_riscv.c; mm/mmap.c, ksys_mmap_pgoff and
//! do_mmap) as far as it does not depend on the file.

use crate::abi::memory::{
    ADDRESS_SPACE_END, MAP_ANONYMOUS, MAP_DROPPABLE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_HUGETLB,
    MAP_PRIVATE, MAP_SHARED, MAP_TYPE, PAGE_BYTES, page_align,
};
use crate::errno::Errno;
use crate::user_memory::UserAddress;

/// Where a mapping is to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// There if it is free, otherwise anywhere; 0 is no wish.
    Hint(usize),
    /// Exactly there, replacing what is there.
    Fixed(usize),
    /// Exactly there, if nothing is there.
    FixedNoReplace(usize),
}

/// A mapping to make.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MappingRequest {
    /// Where.
    pub placement: Placement,
    /// Whole pages, not 0.
    pub len_bytes: usize,
}

/// The first check of all: a file offset of whole pages; EINVAL.
pub fn check_offset(offset: usize) -> Result<(), Errno> {
    if offset.is_multiple_of(PAGE_BYTES) { Ok(()) } else { Err(Errno::EINVAL) }
}

impl MappingRequest {
    /// Checks length and place.
    ///
    /// # Errors
    /// EINVAL, ENOMEM, EOVERFLOW.
    pub fn new(wish: UserAddress, length: usize, flags: u32, offset: usize) -> Result<MappingRequest, Errno> {
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        let len_bytes = page_align(length).ok_or(Errno::ENOMEM)?;
        if (offset / PAGE_BYTES).checked_add(len_bytes / PAGE_BYTES).is_none() {
            return Err(Errno::EOVERFLOW);
        }
        if flags & MAP_HUGETLB != 0 || len_bytes > ADDRESS_SPACE_END {
            return Err(Errno::ENOMEM);
        }
        let is_fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
        if is_fixed && wish.0 > ADDRESS_SPACE_END - len_bytes {
            return Err(Errno::ENOMEM);
        }
        if is_fixed && !wish.0.is_multiple_of(PAGE_BYTES) {
            return Err(Errno::EINVAL);
        }
        let placement = if flags & MAP_FIXED_NOREPLACE != 0 {
            Placement::FixedNoReplace(wish.0)
        } else if is_fixed {
            Placement::Fixed(wish.0)
        } else {
            Placement::Hint(page_align(wish.0).unwrap_or(0))
        };
        Ok(MappingRequest { placement, len_bytes })
    }
}

/// The whole pages of a request for nothing but private memory anywhere, as most are; `None` for every other one.
#[inline]
pub fn length_anywhere(wish: UserAddress, length: usize, flags: u32, offset: usize) -> Option<usize> {
    let is_plain = wish.is_null() && flags == MAP_PRIVATE | MAP_ANONYMOUS && offset == 0 && length != 0;
    if is_plain { page_align(length) } else { None }
}

/// Checks the type of a mapping without a file; EINVAL.
pub fn check_anonymous_type(flags: u32) -> Result<(), Errno> {
    match flags & MAP_TYPE {
        MAP_PRIVATE => Ok(()),
        MAP_SHARED | MAP_DROPPABLE if flags & MAP_GROWSDOWN == 0 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}
