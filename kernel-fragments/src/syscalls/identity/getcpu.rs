//! `getcpu(2)`: <https://man7.org/linux/man-pages/man2/getcpu.2.html>. Supported: everything. Errors: EFAULT.

use crate::errno::SysResult;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(168 => getcpu);

/// Stores 0, the only hart and the only node, at both addresses that are not null.
pub fn getcpu(memory: &mut impl UserMemory, cpu: UserAddress, node: UserAddress, _cache: UserAddress) -> SysResult {
    for address in [cpu, node] {
        if !address.is_null() {
            memory.write_u32(address, 0)?;
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn the_only_one() {
        let mut memory = FakeMemory::new(8);
        let at = memory.put(0, &[1; 8]);
        assert_eq!(getcpu(&mut memory, at, at.add(4), UserAddress(8)), Ok(0));
        assert_eq!(memory.bytes(0, 8), [0; 8]);
        assert_eq!(getcpu(&mut memory, UserAddress::NULL, UserAddress(8), at), Err(Errno::EFAULT.into()));
    }
}
