//! `migrate_pages(2)`: <https://man7.org/linux/man-pages/man2/migrate_pages.2.html>. Supported: this process, which has no page on another node than
//! the one there is; not supported: others. Errors: EINVAL, EFAULT, ESRCH, EPERM.

use crate::abi::capability::CAP_SYS_NICE;
use crate::abi::mempolicy::NODES;
use crate::errno::{Errno, SysResult};
use crate::subsystems::credentials::caller_has;
use crate::subsystems::memory_policies::{check_own, lies_elsewhere, read_nodes};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(238 => migrate_pages);

/// Moves the pages of process `id` (0: the caller) from the nodes at `from` to those at `to`; returns how many could not be.
pub fn migrate_pages(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    id: i32,
    count: usize,
    from: UserAddress,
    to: UserAddress,
) -> SysResult {
    read_nodes(memory, from, count)?;
    let to = read_nodes(memory, to, count)?;
    check_own(thread, id)?;
    if to & !NODES != 0 && !caller_has(CAP_SYS_NICE) {
        return Err(Errno::EPERM.into());
    }
    if lies_elsewhere(to) {
        return Err(Errno::EINVAL.into());
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::acting::act_without_capabilities;
    use crate::testing::FakeMemory;

    #[test]
    fn from_one_node_to_itself() {
        let (mut memory, mut thread) = (FakeMemory::new(24), Thread::first());
        let (first, second, both) = (memory.put(0, &[1]), memory.put(8, &[2]), memory.put(16, &[3]));
        let mut call = |id, from, to| migrate_pages(&mut memory, &mut thread, id, 64, from, to);
        assert_eq!([call(0, first, first), call(2, second, first)], [Ok(0), Ok(0)]);
        assert_eq!(call(0, first, second), Err(Errno::EINVAL.into()));
        assert_eq!(call(-1, first, second), Err(Errno::ESRCH.into()));
        assert_eq!(call(-1, UserAddress(8), second), Err(Errno::EFAULT.into()));
        act_without_capabilities();
        assert_eq!([call(0, first, first), call(0, first, second)], [Ok(0), Err(Errno::EPERM.into())]);
        assert_eq!(
            [call(0, first, both), call(-1, first, both)],
            [Errno::EPERM, Errno::ESRCH].map(|errno| Err(errno.into()))
        );
    }
}
