//! `mlock2(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: everything; nothing is ever paged out.
//! Errors: EINVAL, ENOMEM.

use crate::abi::memory::PAGE_BYTES;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::check_lockable;
use crate::user_memory::UserAddress;

syscall!(284 => mlock2);

const MLOCK_ONFAULT: u32 = 1;

/// As `mlock`; with MLOCK_ONFAULT for those pages only that are used.
pub fn mlock2(space: &mut AddressSpace, boot: &BootInfo, address: UserAddress, length: usize, flags: u32) -> SysResult {
    if flags & !MLOCK_ONFAULT != 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags & MLOCK_ONFAULT == 0 {
        check_lockable(space, boot, address, length)?;
        return Ok(0);
    }
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
        let mut call = |address, length| mlock2(&mut space, &boot, UserAddress(address), length, 1);
        assert_eq!(call(base + 5, PAGE_BYTES), Ok(0));
        assert_eq!(call(base + 5, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()));
        assert_eq!(call(base, usize::MAX), Err(Errno::EINVAL.into()));
    }
}
