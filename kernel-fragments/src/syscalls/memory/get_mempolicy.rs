//! `get_mempolicy(2)`: <https://man7.org/linux/man-pages/man2/get_mempolicy.2.html>. Supported: MPOL_F_NODE, MPOL_F_ADDR, MPOL_F_MEMS_ALLOWED; there
//! is one node; not supported: the policy at an address (MPOL_F_ADDR) once `mbind` has set one. Errors: EINVAL, EFAULT.

use crate::abi::memory::{PAGE_BYTES, PROT_ALL, PROT_NONE};
use crate::abi::mempolicy::{NODES, Policy};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::address_space::AddressSpace;
use crate::subsystems::memory_policies::{MemoryPolicies, write_nodes};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(236 => get_mempolicy);

const MPOL_F_NODE: u64 = 1;
const MPOL_F_ADDR: u64 = 2;
const MPOL_F_MEMS_ALLOWED: u64 = 4;

/// Stores the policy of the caller, or of the memory at `address`, at `mode_address`, and its nodes at `nodes_address`, a set of
/// `count` bits less one, where these are not null. With MPOL_F_NODE it is a node in place of the policy.
pub fn get_mempolicy(
    memory: &mut impl UserMemory,
    space: &mut AddressSpace,
    policies: &mut MemoryPolicies,
    boot: &BootInfo,
    thread: &mut Thread,
    mode_address: UserAddress,
    nodes_address: UserAddress,
    count: usize,
    address: usize,
    flags: u64,
) -> SysResult {
    let asks = |flag| flags & flag != 0;
    if !nodes_address.is_null() && count == 0 || flags & !(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let own = thread.scheduling.memory_policy();
    let (mode, nodes) = if asks(MPOL_F_MEMS_ALLOWED) {
        if asks(MPOL_F_NODE | MPOL_F_ADDR) {
            return Err(Errno::EINVAL.into());
        }
        (0, NODES)
    } else if asks(MPOL_F_ADDR) {
        let start = address / PAGE_BYTES * PAGE_BYTES;
        let (protection, _) = space.mapped(boot, start, start + PAGE_BYTES).map_err(|_| Errno::EFAULT)?;
        // The page is brought in, to see where it lies.
        if asks(MPOL_F_NODE) && protection & PROT_ALL == PROT_NONE {
            return Err(Errno::EFAULT.into());
        }
        if !asks(MPOL_F_NODE) || !nodes_address.is_null() {
            policies.check_none()?;
        }
        (Policy::DEFAULT.mode(), Policy::DEFAULT.nodes())
    } else if address != 0 || asks(MPOL_F_NODE) && !own.takes_turns() {
        return Err(Errno::EINVAL.into());
    } else if asks(MPOL_F_NODE) {
        (0, own.nodes())
    } else {
        (own.mode(), own.nodes())
    };
    if !mode_address.is_null() {
        memory.write_u32(mode_address, mode)?;
    }
    if !nodes_address.is_null() {
        write_nodes(memory, nodes_address, count, nodes)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mempolicy::{MPOL_BIND, MPOL_INTERLEAVE, Mode};
    use crate::errno::Refusal;
    use crate::testing_memory::machine;

    #[test]
    fn of_the_caller_and_of_memory() {
        let (mut memory, mut space, boot) = machine(1, 1);
        let base = boot.program_ranges[0].start as usize;
        let (mut policies, mut thread) = (MemoryPolicies::new(), Thread::first());
        let (mode_at, nodes_at, null) = (memory.address(0), memory.address(8), UserAddress::NULL);
        let policy = |mode| Policy::new(Mode::decode(mode).expect("it is one"), 1).expect("it is valid");
        let mut get =
            |policies: &mut MemoryPolicies, thread: &mut Thread, nodes: UserAddress, count, address, flags| {
                memory.put(0, &[0xff; 16]);
                get_mempolicy(&mut memory, &mut space, policies, &boot, thread, mode_at, nodes, count, address, flags)
                    .map(|_| (memory.read_u32(mode_at).expect("it is there"), memory.bytes(8, 1)[0]))
            };
        let (invalid, fault) = (Err(Errno::EINVAL.into()), Err(Errno::EFAULT.into()));
        for (mode, nodes, count, address, flags, expected) in [
            (0, null, 0, 0, 0, Ok((0, 0xff))),
            (0, nodes_at, 64, 0, 0, Ok((0, 0))),
            (0, nodes_at, 64, 0, 4, Ok((0, 1))),
            (0, nodes_at, 0, 0, 0, invalid),
            (0, nodes_at, 64, 0, 5, invalid),
            (0, nodes_at, 64, 0, 8, invalid),
            (0, nodes_at, 64, 0, 1, invalid),
            (0, nodes_at, 64, base, 0, invalid),
            (0, UserAddress(8), 64, 0, 0, fault),
            (MPOL_BIND, nodes_at, 64, 0, 0, Ok((MPOL_BIND, 1))),
            (MPOL_INTERLEAVE, nodes_at, 64, 0, 1, Ok((0, 1))),
            (MPOL_BIND, nodes_at, 64, base, 2, Ok((0, 0))),
            (MPOL_BIND, null, 0, base + 9, 3, Ok((0, 0xff))),
            (MPOL_BIND, null, 0, base + PAGE_BYTES, 3, fault),
        ] {
            thread.scheduling =
                thread.scheduling.with_memory_policy(if mode == 0 { Policy::DEFAULT } else { policy(mode) });
            let answer = get(&mut policies, &mut thread, nodes, count, address, flags);
            assert_eq!(answer, expected, "{mode} {count} {address:x} {flags}");
        }
        policies.some_memory_has_one = true;
        assert_eq!(get(&mut policies, &mut thread, null, 0, base, 3), Ok((0, 0xff)));
        assert!(matches!(get(&mut policies, &mut thread, null, 0, base, 2), Err(Refusal::Unsupported(_))));
    }
}
