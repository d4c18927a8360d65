//! `mbind(2)`: <https://man7.org/linux/man-pages/man2/mbind.2.html>. Supported: every mode and flag; there is one node, on which all memory lies, so
//! that nothing is moved. Every mapped page counts as present. Errors: EINVAL, EFAULT, EIO, EPERM.

use crate::abi::capability::CAP_SYS_NICE;
use crate::abi::mempolicy::{MPOL_MF_MOVE, MPOL_MF_MOVE_ALL, MPOL_MF_STRICT, Mode, Policy};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::memory_policies::{MemoryPolicies, lies_elsewhere, pages_end, read_nodes};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(235 => mbind);

/// Gives the pages of `len_bytes` from `start` on the policy `mode`, for the nodes at `address`, a set of `count` bits less one.
pub fn mbind(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    policies: &mut MemoryPolicies,
    boot: &BootInfo,
    start: usize,
    len_bytes: usize,
    mode: u32,
    address: UserAddress,
    count: usize,
    flags: u32,
) -> SysResult {
    let mode = Mode::decode(mode)?;
    let nodes = read_nodes(memory, address, count)?;
    if flags & !(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags & MPOL_MF_MOVE_ALL != 0 && !caller_has(CAP_SYS_NICE) {
        return Err(Errno::EPERM.into());
    }
    let end = pages_end(start, len_bytes)?;
    if start == end {
        return Ok(0);
    }
    let policy = Policy::new(mode, nodes)?;
    let is_default = mode.is_default();
    let fails = flags == MPOL_MF_STRICT && !is_default && lies_elsewhere(nodes);
    // What has no policy may have holes, if it is not one altogether (mm/mempolicy.c, queue_pages_test_walk).
    let (mut at, mut found, mut is_elsewhere) = (start, false, false);
    while at < end {
        let piece = space.piece(boot, at, end)?;
        let is_mapped = piece.page.is_some_and(|page| page.is_mapped());
        if !is_mapped && !is_default {
            return Err(Errno::EFAULT.into());
        }
        if is_elsewhere {
            return Err(Errno::EIO.into());
        }
        found |= is_mapped;
        is_elsewhere = fails && piece.page.is_some_and(|page| !page.is_zero());
        at = piece.end;
    }
    if !found {
        return Err(Errno::EFAULT.into());
    }
    if is_elsewhere {
        return Err(Errno::EIO.into());
    }
    policies.some_memory_has_one |= policy != Policy::DEFAULT;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::memory::PAGE_BYTES;
    use crate::abi::mempolicy::{MPOL_BIND, MPOL_DEFAULT, MPOL_LOCAL, MPOL_PREFERRED};
    use crate::subsystems::acting::act_without_capabilities;
    use crate::testing_memory::machine;

    #[test]
    fn of_what_is_mapped() {
        let (mut memory, mut space, boot) = machine(2, 1);
        let base = boot.program_ranges[0].start as usize;
        let mut policies = MemoryPolicies::new();
        let (nodes, null) = (memory.put(0, &[1]), UserAddress::NULL);
        let (page, all) = (PAGE_BYTES, 2 * PAGE_BYTES);
        let errno = |errno: Errno| Err(errno.into());
        for (start, len_bytes, mode, address, flags, expected) in [
            (base, all, MPOL_DEFAULT, null, 0, Ok(0)),
            (base, all + page, MPOL_DEFAULT, null, MPOL_MF_STRICT, Ok(0)),
            (base + all, page, MPOL_DEFAULT, null, 0, errno(Errno::EFAULT)),
            (base + 1, page, MPOL_BIND, nodes, 0, errno(Errno::EINVAL)),
            (base, 0, MPOL_BIND, null, 0, Ok(0)),
            (base, page, MPOL_BIND, null, 0, errno(Errno::EINVAL)),
            (base, usize::MAX - page, MPOL_BIND, nodes, 0, errno(Errno::EINVAL)),
            (base, page, MPOL_BIND, nodes, 8, errno(Errno::EINVAL)),
            (base, page, 7, UserAddress(8), 0, errno(Errno::EINVAL)),
            (base, page, MPOL_BIND, UserAddress(8), 0, errno(Errno::EFAULT)),
            (base, all + page, MPOL_PREFERRED, nodes, 0, errno(Errno::EFAULT)),
            (base, all, MPOL_LOCAL, null, MPOL_MF_STRICT, errno(Errno::EIO)),
        ] {
            let answer =
                mbind(&mut memory, &mut space, &mut policies, &boot, start, len_bytes, mode, address, 64, flags);
            assert_eq!(answer, expected, "{start:x} {len_bytes:x} {mode} {flags}");
        }
        assert!(!policies.some_memory_has_one);
        let answer = mbind(&mut memory, &mut space, &mut policies, &boot, base, all, MPOL_PREFERRED, nodes, 2, 7);
        assert_eq!((answer, policies.some_memory_has_one), (Ok(0), true));
        act_without_capabilities();
        for (flags, start, expected) in [
            (MPOL_MF_MOVE, base, Ok(0)),
            (MPOL_MF_MOVE_ALL, base + 1, errno(Errno::EPERM)),
            (12, base, errno(Errno::EINVAL)),
        ] {
            let answer = mbind(&mut memory, &mut space, &mut policies, &boot, start, page, MPOL_LOCAL, null, 64, flags);
            assert_eq!(answer, expected, "{flags}");
        }
    }
}
