//! `mlock(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: everything; nothing is ever paged out.
//! Errors: EINVAL, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::check_lockable;
use crate::user_memory::UserAddress;

syscall!(228 => mlock);

/// Keeps the pages of `length` bytes from `address` on in memory, where they are anyway.
pub fn mlock(space: &mut AddressSpace, boot: &BootInfo, address: UserAddress, length: usize) -> SysResult {
    check_lockable(space, boot, address, length)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{PAGE_BYTES, PROT_NONE};
    use crate::errno::Errno;
    use crate::testing_memory::machine;

    #[test]
    fn checks_only() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let call = |space: &mut AddressSpace, address, length| mlock(space, &boot, UserAddress(address), length);
        assert_eq!(call(&mut space, base + 5, PAGE_BYTES), Ok(0));
        assert_eq!(call(&mut space, base + 5, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()));
        assert_eq!(call(&mut space, base, usize::MAX), Err(Errno::EINVAL.into()));
        let second = base + PAGE_BYTES;
        assert_eq!(space.protect(&mut memory, &boot, second, second + PAGE_BYTES, PROT_NONE), Ok(()));
        assert_eq!(call(&mut space, base, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()), "it cannot be brought in");
        assert_eq!(call(&mut space, base, PAGE_BYTES), Ok(0));
    }
}
