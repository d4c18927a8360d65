//! `getgroups(2)`: <https://man7.org/linux/man-pages/man2/getgroups.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::errno::{Errno, SysResult};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(158 => getgroups);

/// How many supplementary groups the caller is in; they are stored at `address`, where there is room for `count`, unless that is 0.
pub fn getgroups(memory: &mut impl UserMemory, thread: &mut Thread, count: i32, address: UserAddress) -> SysResult {
    let groups = thread.credentials.supplementary();
    let count = usize::try_from(count).map_err(|_| Errno::EINVAL)?;
    if count > 0 {
        if groups.len() > count {
            return Err(Errno::EINVAL.into());
        }
        for (index, &group) in groups.iter().enumerate() {
            memory.write_u32(address.add(4 * index), group)?;
        }
    }
    Ok(groups.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn none() {
        let (mut memory, mut thread) = (FakeMemory::new(8), Thread::first());
        let mut call = |count, address| getgroups(&mut memory, &mut thread, count, address);
        assert_eq!(call(0, UserAddress::NULL), Ok(0));
        assert_eq!(call(8, UserAddress(8)), Ok(0), "nothing is stored");
        assert_eq!(call(-1, UserAddress::NULL), Err(Errno::EINVAL.into()));
    }
}
