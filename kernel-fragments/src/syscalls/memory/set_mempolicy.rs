//! `set_mempolicy(2)`: <https://man7.org/linux/man-pages/man2/set_mempolicy.2.html>. Supported: every mode and flag; there is one node. Errors:
//! EINVAL, EFAULT.

use crate::abi::mempolicy::{Mode, Policy};
use crate::errno::SysResult;
use crate::subsystems::memory_policies::read_nodes;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(237 => set_mempolicy);

/// Gives the caller the policy `mode`, for the nodes at `address`, a set of `count` bits less one.
pub fn set_mempolicy(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    mode: u32,
    address: UserAddress,
    count: usize,
) -> SysResult {
    let mode = Mode::decode(mode)?;
    let nodes = read_nodes(memory, address, count)?;
    thread.scheduling = thread.scheduling.with_memory_policy(Policy::new(mode, nodes)?);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::mempolicy::{MPOL_BIND, MPOL_LOCAL};
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn of_the_caller() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let at = memory.put(0, &[1]);
        let mut set = |thread: &mut Thread, mode, address, count| {
            let answer = set_mempolicy(&mut memory, thread, mode, address, count);
            (answer, thread.scheduling.memory_policy().mode())
        };
        assert_eq!(set(&mut thread, MPOL_BIND, at, 64), (Ok(0), MPOL_BIND));
        assert_eq!(set(&mut thread, 9, UserAddress(8), 64), (Err(Errno::EINVAL.into()), MPOL_BIND));
        assert_eq!(set(&mut thread, MPOL_BIND, UserAddress(8), 64), (Err(Errno::EFAULT.into()), MPOL_BIND));
        assert_eq!(set(&mut thread, MPOL_BIND, at, 1), (Err(Errno::EINVAL.into()), MPOL_BIND));
        assert_eq!(set(&mut thread, MPOL_LOCAL, UserAddress::NULL, 0), (Ok(0), MPOL_LOCAL));
    }
}
