//! `mprotect(2)`: <https://man7.org/linux/man-pages/man2/mprotect.2.html>. Supported: everything but PROT_GROWSDOWN and
//! PROT_GROWSUP; protections are kept, and enforced behind a page table. Errors: EINVAL, ENOMEM.

use crate::abi::memory::{
    PAGE_BYTES, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE, page_align,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(226 => mprotect);

quick!(open_stack);

/// What `pthread_create` asks for: all but the guard pages of the stack that it just reserved.
pub fn open_stack(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    address: UserAddress,
    length: usize,
    protection: u32,
) -> Option<SysResult> {
    let are_pages = (address.0 | length).is_multiple_of(PAGE_BYTES);
    if !are_pages || protection & !(PROT_READ | PROT_WRITE | PROT_EXEC) != 0 {
        return None;
    }
    let end = address.0.checked_add(length)?;
    space.open_reserved(memory, address.0, end, protection as u8).then_some(Ok(0))
}

/// Sets the protection of the pages of `length` bytes from `address` on; at a hole it has changed those before it.
pub fn mprotect(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
    protection: u32,
) -> SysResult {
    let grows = protection & (PROT_GROWSDOWN | PROT_GROWSUP);
    if grows == PROT_GROWSDOWN | PROT_GROWSUP || !address.0.is_multiple_of(PAGE_BYTES) {
        return Err(Errno::EINVAL.into());
    }
    if length == 0 {
        return Ok(0);
    }
    // As mm/mprotect.c: a length that wraps to 0 or beyond the end is ENOMEM.
    let end = page_align(length).and_then(|length| address.0.checked_add(length)).ok_or(Errno::ENOMEM)?;
    if protection & !grows & !(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if grows != 0 {
        return Err(Refusal::Unsupported("mprotect with PROT_GROWSDOWN or PROT_GROWSUP"));
    }
    let protection = protection as u8 & 7;
    if !space.open_reserved(memory, address.0, end, protection) {
        space.protect(memory, boot, address.0, end, protection)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::mapping_request::Placement;
    use crate::testing::FakeMemory;
    use crate::testing_memory::machine;

    #[test]
    fn changes_what_lies_before_a_hole() {
        let (mut memory, mut space, boot) = machine(1, 8);
        let base = boot.mapping_range.start as usize;
        assert_eq!(space.map(&mut memory, &boot, Placement::Hint(0), 2 * PAGE_BYTES, 3), Ok(base));
        assert_eq!(space.unmap(&mut memory, &boot, base + PAGE_BYTES, base + 2 * PAGE_BYTES), Ok(()));
        let mut protect = |space: &mut AddressSpace, address, length, protection| {
            mprotect(&mut memory, space, &boot, UserAddress(address), length, protection)
        };
        assert_eq!(protect(&mut space, base, 2 * PAGE_BYTES, PROT_READ), Err(Errno::ENOMEM.into()));
        assert_eq!(space.mapped(&boot, base, base + PAGE_BYTES), Ok((PROT_READ as u8, base + PAGE_BYTES)));
        assert_eq!(protect(&mut space, base - PAGE_BYTES, 1, PROT_READ | PROT_SEM), Ok(0), "a segment");
        assert_eq!(protect(&mut space, 0, 0, PROT_READ), Ok(0));
        assert_eq!(protect(&mut space, base + 1, 0, PROT_READ), Err(Errno::EINVAL.into()));
        assert_eq!(protect(&mut space, base, 1, 0x10), Err(Errno::EINVAL.into()));
        assert_eq!(protect(&mut space, base, usize::MAX, PROT_READ), Err(Errno::ENOMEM.into()));
        assert_eq!(protect(&mut space, base, 1, PROT_GROWSDOWN | PROT_GROWSUP), Err(Errno::EINVAL.into()));
    }
    /// What is quick comes to the same, and does nothing where it is not.
    #[test]
    fn quickly_or_not_at_all() {
        let ((mut memory, mut space, boot), page) = (machine(1, 16), PAGE_BYTES);
        let base = boot.mapping_range.start as usize;
        let mut open = |space: &mut AddressSpace, first, length, protection| {
            open_stack(&mut memory, space, UserAddress(base + first), length, protection)
        };
        assert_eq!(open(&mut space, 0, page, 3), None, "nothing is mapped");
        assert_eq!(space.map(&mut FakeMemory::new(page), &boot, Placement::Hint(0), 4 * page, 0), Ok(base));
        for (first, length, protection) in [
            (0, 4 * page, 3),
            (page, 2 * page, 3),
            (page, 3 * page, 0),
            (page, 3 * page, PROT_SEM | 3),
            (page, 3 * page, PROT_GROWSDOWN | 3),
            (page, 3 * page - 1, 3),
            (page + 1, 3 * page - 1, 3),
            (page, usize::MAX, 3),
            (4 * page, 0, 3),
        ] {
            assert_eq!(open(&mut space, first, length, protection), None, "{first:#x} {length:#x} {protection:#x}");
        }
        assert_eq!(space.mapped(&boot, base, base + 4 * page), Ok((0, base + 4 * page)));
        assert_eq!(open(&mut space, page, 3 * page, 3), Some(Ok(0)));
        assert_eq!(space.mapped(&boot, base, base + 4 * page), Ok((0, base + page)));
        assert_eq!(space.mapped(&boot, base + page, base + 4 * page), Ok((3, base + 4 * page)));
    }
}
