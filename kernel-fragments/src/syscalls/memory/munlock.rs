//! `munlock(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: everything; nothing is ever paged out.
//! Errors: EINVAL, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::whole_pages;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(229 => munlock);

/// Lets the pages of `length` bytes from `address` on leave memory, which they never do; at a hole it has done so before it.
pub fn munlock(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
) -> SysResult {
    let (start, end) = whole_pages(address, length)?;
    space.set_locked(memory, boot, start, end, false)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::errno::Errno;
    use crate::testing_memory::machine;

    #[test]
    fn up_to_what_is_not_there() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let end = base + 2 * PAGE_BYTES;
        assert_eq!(space.set_locked(&mut memory, &boot, base, end, true), Ok(()));
        let mut call = |space: &mut AddressSpace, address, length| {
            munlock(&mut memory, space, &boot, UserAddress(address), length)
        };
        assert_eq!(call(&mut space, base + 5, 1), Ok(0));
        assert_eq!(space.first_locked(&boot, base, end), Ok((true, base + PAGE_BYTES)));
        assert_eq!(call(&mut space, base + 5, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()));
        assert_eq!(space.first_locked(&boot, base, end), Ok((false, end)));
        assert_eq!(call(&mut space, base, usize::MAX - PAGE_BYTES), Err(Errno::EINVAL.into()));
    }
}
