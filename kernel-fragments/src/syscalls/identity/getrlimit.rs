//! `getrlimit(2)`: <https://man7.org/linux/man-pages/man2/getrlimit.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::limits::{Limits, write_limit};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(163 => getrlimit);

/// Stores the limits of `resource` at `address`.
pub fn getrlimit(
    memory: &mut impl UserMemory,
    limits: &mut Limits,
    boot: &BootInfo,
    resource: u32,
    address: UserAddress,
) -> SysResult {
    let limit = limits.get(boot, resource)?;
    write_limit(memory, address, limit)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::{RLIMIT_NOFILE, RLIMIT_STACK, UNLIMITED};
    use crate::boot_info::Range;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn tells() {
        let (mut memory, mut limits) = (FakeMemory::new(16), Limits::new());
        let boot = BootInfo { stack_range: Range { start: 0x1000, end: 0x9000 }, ..BootInfo::default() };
        let at = memory.address(0);
        let mut call = |resource, at| {
            let result = getrlimit(&mut memory, &mut limits, &boot, resource, at);
            (result, memory.read_u64(memory.address(0)).ok(), memory.read_u64(memory.address(8)).ok())
        };
        assert_eq!(call(RLIMIT_NOFILE, at), (Ok(0), Some(1024), Some(4096)));
        assert_eq!(call(RLIMIT_STACK, at), (Ok(0), Some(0x8000), Some(UNLIMITED)));
        assert_eq!(call(16, at).0, Err(Errno::EINVAL.into()));
        assert_eq!(call(3, at.add(8)).0, Err(Errno::EFAULT.into()));
    }
}
