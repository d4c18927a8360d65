//! `mlock(2)`: <https://man7.org/linux/man-pages/man2/mlock.2.html>. Supported: with CAP_IPC_LOCK; not
//! supported: without, where RLIMIT_MEMLOCK counts. Nothing is ever paged out. A page of the break stays locked when the break passes it.
//! Errors: EINVAL, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::locking::{check_lockable, check_rights, whole_pages};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(228 => mlock);

/// Keeps the pages of `length` bytes from `address` on in memory, where they are anyway; at a hole it has done so before it.
pub fn mlock(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    address: UserAddress,
    length: usize,
) -> SysResult {
    check_rights()?;
    let (start, end) = whole_pages(address, length)?;
    space.set_locked(memory, boot, start, end, true)?;
    check_lockable(memory, space, boot, start, end)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::{PAGE_BYTES, PROT_NONE};
    use crate::errno::Errno;
    use crate::testing_memory::machine;

    #[test]
    fn up_to_what_is_not_there() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let second = base + PAGE_BYTES;
        assert_eq!(space.protect(&mut memory, &boot, second, second + PAGE_BYTES, PROT_NONE), Ok(()));
        let mut call =
            |space: &mut AddressSpace, address, length| mlock(&mut memory, space, &boot, UserAddress(address), length);
        assert_eq!(call(&mut space, base, usize::MAX - PAGE_BYTES), Err(Errno::EINVAL.into()));
        assert_eq!(space.first_locked(&boot, base, second), Ok((false, second)));
        assert_eq!(call(&mut space, base + 5, 1), Ok(0));
        assert_eq!(space.first_locked(&boot, base, second), Ok((true, base)));
        assert_eq!(call(&mut space, base, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()), "it cannot be brought in");
        assert_eq!(space.first_locked(&boot, second, second + PAGE_BYTES), Ok((true, second)), "locked all the same");
        assert_eq!(call(&mut space, base + 5, 2 * PAGE_BYTES), Err(Errno::ENOMEM.into()));
    }
}
