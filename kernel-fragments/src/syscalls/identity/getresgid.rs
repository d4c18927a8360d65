//! `getresgid(2)`: <https://man7.org/linux/man-pages/man2/getresgid.2.html>. Supported: everything. Errors: EFAULT.

use crate::errno::SysResult;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(150 => getresgid);

/// Stores the real, effective and saved group id.
pub fn getresgid(
    memory: &mut impl UserMemory,
    thread: &mut Thread,
    real: UserAddress,
    effective: UserAddress,
    saved: UserAddress,
) -> SysResult {
    let ids = thread.credentials.groups();
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
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let at = memory.put(0, &[7; 16]);
        assert_eq!(getresgid(&mut memory, &mut thread, at, at.add(4), at.add(8)), Ok(0));
        assert_eq!(memory.bytes(0, 16), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 7]);
        assert_eq!(getresgid(&mut memory, &mut thread, at, UserAddress::NULL, at), Err(Errno::EFAULT.into()));
    }
}
