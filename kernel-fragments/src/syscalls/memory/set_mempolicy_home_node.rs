//! `set_mempolicy_home_node(2)`: <https://docs.kernel.org/admin-guide/mm/numa_memory_policy.html>. Supported: everything as long
//! as no memory has a policy; not supported: once `mbind` has set one. Errors: EINVAL, ENOENT.

use crate::errno::{Errno, SysResult};
use crate::subsystems::memory_policies::{MemoryPolicies, pages_end};

syscall!(450 => set_mempolicy_home_node);

/// Has memory of `len_bytes` from `start` on be taken from `node` first, as far as it has a policy.
pub fn set_mempolicy_home_node(
    policies: &mut MemoryPolicies,
    start: usize,
    len_bytes: usize,
    node: u64,
    flags: u64,
) -> SysResult {
    let end = pages_end(start, len_bytes)?;
    if flags != 0 || node != 0 {
        return Err(Errno::EINVAL.into());
    }
    if start == end {
        return Ok(0);
    }
    policies.check_none()?;
    Err(Errno::ENOENT.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Refusal;

    #[test]
    fn nothing_has_a_policy() {
        let mut policies = MemoryPolicies::new();
        for (start, len_bytes, node, flags, expected) in [
            (4096, 0, 0, 0, Ok(0)),
            (4096, 1, 0, 0, Err(Errno::ENOENT.into())),
            (4097, 1, 0, 0, Err(Errno::EINVAL.into())),
            (4096, 1, 1, 0, Err(Errno::EINVAL.into())),
            (4096, 1, 0, 1, Err(Errno::EINVAL.into())),
        ] {
            assert_eq!(set_mempolicy_home_node(&mut policies, start, len_bytes, node, flags), expected);
        }
        policies.some_memory_has_one = true;
        assert!(matches!(set_mempolicy_home_node(&mut policies, 0, 1, 0, 0), Err(Refusal::Unsupported(_))));
    }
}
