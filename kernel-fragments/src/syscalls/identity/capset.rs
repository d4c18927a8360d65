//! `capset(2)`: <https://man7.org/linux/man-pages/man2/capget.2.html>. Supported: everything. Errors: EFAULT, EINVAL, EPERM,
//! ENOMEM.

use crate::abi::capability::{ALL_CAPABILITIES, CAP_SETPCAP, CapabilitySets};
use crate::errno::{Errno, SysResult};
use crate::subsystems::capability_data::{elements, load};
use crate::subsystems::credentials::Identity;
use crate::subsystems::identities::Identities;
use crate::subsystems::promises::Promises;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(91 => capset);

/// Gives the caller, whom the header at `header` has to name, the capabilities at `data` (security/commoncap.c, cap_capset).
pub fn capset(
    memory: &mut impl UserMemory,
    identities: &mut Identities,
    promises: &mut Promises,
    thread: &mut Thread,
    header: UserAddress,
    data: UserAddress,
) -> SysResult {
    let elements = elements(memory, header)?;
    let tid = memory.read_u32(header.add(4))?;
    if tid != 0 && tid != thread.tid {
        return Err(Errno::EPERM.into());
    }
    let [effective, permitted, inheritable] = load(memory, data, elements)?.map(|set| set & ALL_CAPABILITIES);
    let old = thread.credentials.capabilities();
    let is_within = |set: u64, other: u64| set & !other == 0;
    let may_inherit = thread.credentials.has(CAP_SETPCAP) || is_within(inheritable, old.inheritable | old.permitted);
    if !may_inherit
        || !is_within(inheritable, old.inheritable | old.bounding)
        || !is_within(permitted, old.permitted)
        || !is_within(effective, permitted)
    {
        return Err(Errno::EPERM.into());
    }
    let ambient = old.ambient & permitted & inheritable;
    let capabilities = CapabilitySets { effective, permitted, inheritable, ambient, ..old };
    let new = Identity { capabilities, ..thread.credentials.identity().clone() };
    identities.become_new(promises, thread, new)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::capability::CAP_KILL;
    use crate::testing::FakeMemory;

    #[test]
    fn fewer_and_not_more() {
        let (mut memory, mut thread) = (FakeMemory::new(32), Thread::first());
        let (mut identities, mut promises) = (Identities::new(), Promises::new());
        let mut call = |thread: &mut Thread, tid: u32, low: [u32; 3]| {
            let header = memory.put(0, &[0x1998_0330, tid].map(u32::to_le_bytes).concat());
            let data = memory.put(8, &low.map(u32::to_le_bytes).concat());
            capset(&mut memory, &mut identities, &mut promises, thread, header, data)
        };
        assert_eq!(call(&mut thread, 9, [0; 3]), Err(Errno::EPERM.into()));
        assert_eq!(call(&mut thread, 0, [u32::MAX, 0, 0]), Err(Errno::EPERM.into()));
        let kill = 1 << CAP_KILL;
        assert_eq!(call(&mut thread, 2, [kill, kill, kill]), Ok(0));
        assert!(thread.credentials.has(CAP_KILL) && !thread.credentials.has(CAP_SETPCAP));
        assert_eq!(call(&mut thread, 0, [kill, kill | 1, 0]), Err(Errno::EPERM.into()));
        assert_eq!(call(&mut thread, 0, [0, kill, kill | 1]), Err(Errno::EPERM.into()));
        assert_eq!((call(&mut thread, 0, [0, kill, 0]), thread.credentials.has(CAP_KILL)), (Ok(0), false));
        assert_eq!((call(&mut thread, 0, [kill, kill, 0]), thread.credentials.has(CAP_KILL)), (Ok(0), true));
    }
}
