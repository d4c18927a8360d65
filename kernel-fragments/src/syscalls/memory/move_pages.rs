//! `move_pages(2)`: <https://man7.org/linux/man-pages/man2/move_pages.2.html>. Supported: this process, whose pages all lie on the one node there is,
//! each of them from the start; not supported: others. Errors: EINVAL, EFAULT, ENODEV, ESRCH, EPERM.

use crate::abi::capability::CAP_SYS_NICE;
use crate::abi::memory::PAGE_BYTES;
use crate::abi::mempolicy::{MPOL_MF_MOVE, MPOL_MF_MOVE_ALL};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::memory_policies::check_own;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(239 => move_pages);

/// Moves each of `count` pages, whose addresses are at `pages`, to its node at `nodes`, if that is not null, and stores at `status` where it
/// lies, or why that is not known.
pub fn move_pages(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    count: usize,
    pages: UserAddress,
    nodes: UserAddress,
    status: UserAddress,
    flags: u32,
) -> SysResult {
    if flags & !(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if flags & MPOL_MF_MOVE_ALL != 0 && !caller_has(CAP_SYS_NICE) {
        return Err(Errno::EPERM.into());
    }
    check_own(thread, id)?;
    for index in 0..count {
        let start = memory.read_u64(pages.add(8 * index))? as usize / PAGE_BYTES * PAGE_BYTES;
        if !nodes.is_null() && memory.read_u32(nodes.add(4 * index))? != 0 {
            return Err(Errno::ENODEV.into());
        }
        let end = start.saturating_add(PAGE_BYTES);
        let page = space.piece(boot, start, end)?.page.filter(|page| page.is_mapped());
        let found = match page {
            None => (Errno::EFAULT.0 as u32).wrapping_neg(),
            Some(page) if page.is_zero() => (Errno::ENOENT.0 as u32).wrapping_neg(),
            Some(_) => 0,
        };
        memory.write_u32(status.add(4 * index), found)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::acting::act_without_capabilities;
    use crate::testing_memory::machine;

    #[test]
    fn where_pages_lie() {
        let (mut memory, mut space, boot) = machine(1, 1);
        let base = boot.program_ranges[0].start;
        let mut thread = Thread::first();
        let pages = memory.put(0, &[base + 9, base + PAGE_BYTES as u64].map(u64::to_le_bytes).concat());
        let (nodes, status, null) = (memory.address(32), memory.put(64, &[0xff; 8]), UserAddress::NULL);
        let mut call = |memory: &mut _, id, pages, nodes, flags| {
            move_pages(memory, &mut space, &boot, &mut thread, id, 2, pages, nodes, status, flags)
        };
        for nodes in [null, nodes] {
            assert_eq!(call(&mut memory, 0, pages, nodes, 2), Ok(0));
            assert_eq!([0, 4].map(|offset| memory.read_u32(status.add(offset))), [Ok(0), Ok(14u32.wrapping_neg())]);
        }
        assert_eq!(call(&mut memory, 0, pages, nodes, 1), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, -9, pages, nodes, 0), Err(Errno::ESRCH.into()));
        assert_eq!(call(&mut memory, 0, UserAddress(8), nodes, 0), Err(Errno::EFAULT.into()));
        memory.put(32, &[4]);
        assert_eq!(call(&mut memory, 0, pages, nodes, 0), Err(Errno::ENODEV.into()));
        act_without_capabilities();
        assert_eq!(call(&mut memory, 0, pages, null, MPOL_MF_MOVE), Ok(0));
        assert_eq!(call(&mut memory, -9, pages, null, MPOL_MF_MOVE_ALL), Err(Errno::EPERM.into()));
    }
}
