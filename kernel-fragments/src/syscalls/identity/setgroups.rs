//! `setgroups(2)`: <https://man7.org/linux/man-pages/man2/setgroups.2.html>. Supported: up to 256 groups; not supported: more.
//! Errors: EPERM, EINVAL, EFAULT, ENOMEM.

use crate::abi::capability::CAP_SETGID;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::acting::MOST_GROUPS;
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::Identities;
use crate::subsystems::promises::Promises;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

syscall!(159 => setgroups);

/// Most groups there may be on Linux (NGROUPS_MAX).
const MOST_ON_LINUX: u32 = 65536;

/// Sets the supplementary groups of the caller to the `count` ones at `address`.
pub fn setgroups(
    memory: &mut impl UserMemory,
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    count: u32,
    address: UserAddress,
) -> SysResult {
    if !thread.credentials.has(CAP_SETGID) {
        return Err(Errno::EPERM.into());
    }
    if count > MOST_ON_LINUX {
        return Err(Errno::EINVAL.into());
    }
    if count as usize > MOST_GROUPS {
        return Err(Refusal::Unsupported("more than 256 supplementary groups"));
    }
    let mut supplementary = Vec::new();
    supplementary.try_reserve_exact(count as usize).map_err(|_| Errno::ENOMEM)?;
    for index in 0..count as usize {
        match memory.read_u32(address.add(4 * index))? {
            u32::MAX => return Err(Errno::EINVAL.into()),
            group => supplementary.push(group),
        }
    }
    supplementary.sort_unstable();
    let supplementary = identities.kept_groups(supplementary);
    let new = Identity { supplementary, ..thread.credentials.identity().clone() };
    identities.become_new(promises, thread, new)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::acting::is_in_group;
    use crate::syscalls::identity::getgroups::getgroups;
    use crate::syscalls::identity::setuid::setuid;
    use crate::testing::FakeMemory;

    #[test]
    fn in_order_and_told() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let (mut identities, mut promises) = (Identities::new(), Promises::new());
        let at = memory.put(0, &[9, 3, 9, u32::MAX].map(u32::to_le_bytes).concat());
        let mut set = |memory: &mut FakeMemory, thread: &mut Thread, count, address| {
            setgroups(memory, &mut identities, &mut promises, thread, count, address)
        };
        for (count, address, expected) in [
            (3, at, Ok(0)),
            (4, at, Err(Errno::EINVAL.into())),
            (1, UserAddress(8), Err(Errno::EFAULT.into())),
            (65537, at, Err(Errno::EINVAL.into())),
        ] {
            assert_eq!(set(&mut memory, &mut thread, count, address), expected, "{count}");
        }
        assert!(matches!(set(&mut memory, &mut thread, 257, at), Err(Refusal::Unsupported(_))));
        assert_eq!(getgroups(&mut memory, &mut thread, 2, at), Err(Errno::EINVAL.into()));
        assert_eq!(getgroups(&mut memory, &mut thread, 3, at), Ok(3));
        assert_eq!(memory.bytes(0, 12), [3, 0, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0]);
        assert!(is_in_group(9) && is_in_group(0) && !is_in_group(4));
        assert_eq!(set(&mut memory, &mut thread, 0, at), Ok(0));
        assert!(!is_in_group(9));
        assert_eq!(setuid(&mut identities, &mut promises, &mut thread, 5), Ok(0));
        let refused = setgroups(&mut memory, &mut identities, &mut promises, &mut thread, 0, at);
        assert_eq!(refused, Err(Errno::EPERM.into()));
    }
}
