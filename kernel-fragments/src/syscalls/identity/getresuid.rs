//! `getresuid(2)`: <https://man7.org/linux/man-pages/man2/getresuid.2.html>. Supported: everything. Errors: EFAULT.

use crate::errno::SysResult;
use crate::subsystems::credentials::users;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(148 => getresuid);

/// Stores the real, effective and saved user id.
pub fn getresuid(
    memory: &mut impl UserMemory,
    real: UserAddress,
    effective: UserAddress,
    saved: UserAddress,
) -> SysResult {
    let ids = users();
    for (address, id) in [(real, ids.real), (effective, ids.effective), (saved, ids.saved)] {
        memory.write_u32(address, id)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn root() {
        let mut memory = FakeMemory::new(16);
        let at = memory.put(0, &[7; 16]);
        assert_eq!(getresuid(&mut memory, at, at.add(4), at.add(8)), Ok(0));
        assert_eq!(memory.bytes(0, 16), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7]);
        assert_eq!(getresuid(&mut memory, at, UserAddress::NULL, at), Err(Errno::EFAULT.into()));
    }
}
