//! `mlock(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: everything; nothing is ever paged out.
//! Errors: EINVAL, ENOMEM.

use crate::abi::memory::PAGE_BYTES;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::user_memory::UserAddress;

syscall!(228 => mlock);

/// Keeps the pages of `length` bytes from `address` on in memory, where they are anyway.
pub fn mlock(space: &mut AddressSpace, boot: &BootInfo, address: UserAddress, length: usize) -> SysResult {
    let start = address.0 / PAGE_BYTES * PAGE_BYTES;
    let end = address.0.checked_add(length).and_then(|end| end.checked_next_multiple_of(PAGE_BYTES));
    space.check_mapped(boot, start, end.ok_or(Errno::EINVAL)?)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_memory::machine;

    #[test]
    fn checks_only() {
        let (_, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let mut call = |address, length| mlock(&mut space, &boot, UserAddress(address), length);
        assert_eq!(call(base + 5, PAGE_BYTES), Ok(0));
        assert_eq!(call(base + 5, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()));
        assert_eq!(call(base, usize::MAX), Err(Errno::EINVAL.into()));
    }
}
