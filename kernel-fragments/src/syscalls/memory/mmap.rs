//! `mmap(2)`: <https://man7.org/linux/man-pages/man2/mmap.2.html>. Supported: anonymous memory with every flag that Linux
//! takes (MAP_SHARED is like MAP_PRIVATE: there is one process), hints, MAP_FIXED, MAP_FIXED_NOREPLACE; not supported:
//! files. A fixed place where this machine has no memory is ENOMEM, as is MAP_HUGETLB: no huge page is reserved.
//! Errors: EINVAL, ENOMEM, EEXIST, EOVERFLOW.

use crate::abi::memory::{
    ADDRESS_SPACE_END, MAP_ANONYMOUS, MAP_DROPPABLE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_HUGETLB,
    MAP_PRIVATE, MAP_SHARED, MAP_TYPE, PAGE_BYTES, page_align,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::address_space::{AddressSpace, Placement};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(222 => mmap);

/// Maps `length` bytes with `protection` at or near `wish`.
pub fn mmap(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    wish: UserAddress,
    length: usize,
    protection: u32,
    flags: u32,
    _fd: Fd,
    offset: usize,
) -> SysResult {
    // The order of the checks is that of Linux: arch/riscv/kernel/sys_riscv.c, mm/mmap.c ksys_mmap_pgoff, do_mmap.
    if !offset.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    if flags & MAP_ANONYMOUS == 0 {
        return Err(Refusal::Unsupported("mmap of a file"));
    }
    if length == 0 {
        return Err(Errno::EINVAL.into());
    }
    let len_bytes = page_align(length).ok_or(Errno::ENOMEM)?;
    if (offset / PAGE_BYTES).checked_add(len_bytes / PAGE_BYTES).is_none() {
        return Err(Errno::EOVERFLOW.into());
    }
    if flags & MAP_HUGETLB != 0 || len_bytes > ADDRESS_SPACE_END {
        return Err(Errno::ENOMEM.into());
    }
    let is_fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) != 0;
    if is_fixed && wish.0 > ADDRESS_SPACE_END - len_bytes {
        return Err(Errno::ENOMEM.into());
    }
    if is_fixed && !wish.0.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    let placement = if flags & MAP_FIXED_NOREPLACE != 0 {
        Placement::FixedNoReplace(wish.0)
    } else if is_fixed {
        Placement::Fixed(wish.0)
    } else {
        Placement::Hint(page_align(wish.0).unwrap_or(0))
    };
    match flags & MAP_TYPE {
        MAP_PRIVATE => {}
        MAP_SHARED | MAP_DROPPABLE if flags & MAP_GROWSDOWN == 0 => {}
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(space.map(memory, boot, placement, len_bytes, protection as u8 & 7)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::MAP_SHARED_VALIDATE;
    use crate::subsystems::address_space::tests::machine;

    const ANON: u32 = MAP_PRIVATE | MAP_ANONYMOUS;

    #[test]
    fn places_and_refuses_like_linux() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        let mut map = |wish: usize, length, flags, offset| {
            mmap(&mut memory, &mut space, &boot, UserAddress(wish), length, 3, flags, Fd(-1), offset)
        };
        let page = PAGE_BYTES;
        assert_eq!(map(0, 1, ANON, 0), Ok(base));
        assert_eq!(map(base + 4 * page - 5, 1, ANON | 0x2_4000, 0), Ok(base + 4 * page), "hints round up");
        assert_eq!(map(base, page, ANON, 0), Ok(base + page), "a taken hint is no error");
        assert_eq!(map(0xc0_0000_0000, page, ANON, 0), Ok(base + 2 * page), "neither is a far one");
        assert_eq!(map(base, page, ANON | MAP_FIXED, 0), Ok(base));
        assert_eq!(map(base, page, ANON | MAP_FIXED_NOREPLACE, 0), Err(Errno::EEXIST.into()));
        assert_eq!(map(base + 5 * page, page, ANON | MAP_FIXED_NOREPLACE, 0), Ok(base + 5 * page));
        assert_eq!(map(0, page, MAP_SHARED | MAP_ANONYMOUS, 0), Ok(base + 3 * page));
        for (wish, length, flags, offset, errno) in [
            (0, 0, ANON, 0, Errno::EINVAL),
            (0, page, MAP_ANONYMOUS, 0, Errno::EINVAL),
            (0, page, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, 0, Errno::EINVAL),
            (0, page, ANON, 1, Errno::EINVAL),
            (base + 1, page, ANON | MAP_FIXED, 0, Errno::EINVAL),
            (0, usize::MAX, ANON, 0, Errno::ENOMEM),
            (0, 1 << 60, ANON, 0, Errno::ENOMEM),
            (0, 3 * page, ANON, 0, Errno::ENOMEM),
            (0, page, ANON | MAP_HUGETLB, 0, Errno::ENOMEM),
            (usize::MAX - 4095, page, ANON | MAP_FIXED, 0, Errno::ENOMEM),
            (1 << 40, page, ANON | MAP_FIXED, 0, Errno::ENOMEM),
        ] {
            assert_eq!(map(wish, length, flags, offset), Err(errno.into()), "{wish:#x} {length:#x} {flags:#x}");
        }
    }
}
