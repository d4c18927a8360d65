//! `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>, of a program that only ever maps anonymous memory anywhere.
//! Supported: anonymous memory with every flag that Linux takes but MAP_FIXED and MAP_FIXED_NOREPLACE; not supported: a wish
//! where, files. MAP_HUGETLB is ENOMEM: no huge page is reserved. Errors: EINVAL, ENOMEM, EOVERFLOW.

use crate::abi::memory::{MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, PROT_ALL};
use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::subsystems::fresh_pages::FreshPages;
use crate::subsystems::mapping_request::{MappingRequest, check_anonymous_type, check_offset};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(222 => mmap, fresh_mappings);

/// Maps `length` bytes of zeros.
pub fn mmap(
    memory: &mut impl UserMemory,
    pages: &mut FreshPages,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    _fd: u32,
    offset: usize,
) -> SysResult {
    check_offset(offset)?;
    if !wish.is_null() || flags & (MAP_ANONYMOUS | MAP_FIXED | MAP_FIXED_NOREPLACE) != MAP_ANONYMOUS {
        return Err(Refusal::Unsupported("a mapping of a kind that the analysis did not find"));
    }
    let flags = flags & !(MAP_FIXED | MAP_FIXED_NOREPLACE);
    let request = MappingRequest::new(UserAddress::NULL, length, flags, offset)?;
    check_anonymous_type(flags)?;
    let start = pages.take(boot, request.len_bytes)?;
    memory.set_access(start, start + request.len_bytes, Some(protection as u8 & PROT_ALL));
    Ok(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED, PAGE_BYTES};
    use crate::errno::Errno;
    use crate::testing_memory::machine;

    #[test]
    fn one_behind_the_other() {
        let (mut memory, _, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        let mut pages = FreshPages::new();
        let mut map = |wish, length, flags, offset| {
            mmap(&mut memory, &mut pages, &boot, UserAddress(wish), length, 3, flags, 0, offset)
        };
        let anon = MAP_PRIVATE | MAP_ANONYMOUS;
        assert_eq!(map(0, 1, anon, 0), Ok(base));
        assert_eq!(map(0, 5 * PAGE_BYTES, MAP_SHARED | MAP_ANONYMOUS, 0), Ok(base + PAGE_BYTES));
        for (length, flags, offset, errno) in [
            (0, anon, 0, Errno::EINVAL),
            (1, MAP_ANONYMOUS, 0, Errno::EINVAL),
            (1, anon, 1, Errno::EINVAL),
            (usize::MAX, anon, 0, Errno::ENOMEM),
            (3 * PAGE_BYTES, anon, 0, Errno::ENOMEM),
            (1, anon | MAP_HUGETLB, 0, Errno::ENOMEM),
        ] {
            assert_eq!(map(0, length, flags, offset), Err(errno.into()), "{length:#x} {flags:#x}");
        }
        assert_eq!(map(0, 2 * PAGE_BYTES, anon, 0), Ok(base + 6 * PAGE_BYTES));
        for (wish, flags) in [(base, anon), (0, anon | MAP_FIXED), (0, MAP_PRIVATE)] {
            assert!(matches!(map(wish, 1, flags, 0), Err(Refusal::Unsupported(_))));
        }
    }
}
