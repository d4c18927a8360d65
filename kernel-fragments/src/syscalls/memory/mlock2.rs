//! `mlock2(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: everything, as `mlock` does it. Errors: EINVAL, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::{check_lockable, check_rights, whole_pages};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(284 => mlock2);

const MLOCK_ONFAULT: u32 = 1;

/// As `mlock`; with MLOCK_ONFAULT for those pages only that are used.
pub fn mlock2(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
    flags: u32,
) -> SysResult {
    if flags & !MLOCK_ONFAULT != 0 {
        return Err(Errno::EINVAL.into());
    }
    check_rights()?;
    let (start, end) = whole_pages(address, length)?;
    space.set_locked(memory, boot, start, end, true)?;
    if flags & MLOCK_ONFAULT == 0 {
        check_lockable(memory, space, boot, start, end)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{PAGE_BYTES, PROT_NONE};
    use crate::testing_memory::machine;

    #[test]
    fn what_is_not_used_need_not_be_brought_in() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        assert_eq!(space.protect(&mut memory, &boot, base, base + PAGE_BYTES, PROT_NONE), Ok(()));
        let mut call =
            |address, length, flags| mlock2(&mut memory, &mut space, &boot, UserAddress(address), length, flags);
        assert_eq!(call(base + 5, PAGE_BYTES, MLOCK_ONFAULT), Ok(0));
        assert_eq!(call(base + 5, PAGE_BYTES, 0), Err(Errno::ENOMEM.into()));
        assert_eq!(call(base + 5, 2 * PAGE_BYTES, MLOCK_ONFAULT), Err(Errno::ENOMEM.into()));
        assert_eq!(call(base, usize::MAX - PAGE_BYTES, MLOCK_ONFAULT), Err(Errno::EINVAL.into()));
        assert_eq!(call(base, 1, 2), Err(Errno::EINVAL.into()));
    }
}
