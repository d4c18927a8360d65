//! `getrlimit(2)`: <https://man7.org/linux/man-pages/man2/getrlimit.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::abi::rlimit::RLIMIT_BYTES;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::limits::Limits;
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
    let (soft, hard) = limits.get(boot, resource)?;
    memory.slice_mut(address, RLIMIT_BYTES)?;
    memory.write_u64(address, soft)?;
    memory.write_u64(address.add(8), hard)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::RLIMIT_NOFILE;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn tells() {
        let (mut memory, mut limits, boot) = (FakeMemory::new(16), Limits::new(), BootInfo::default());
        let at = memory.address(0);
        assert_eq!(getrlimit(&mut memory, &mut limits, &boot, RLIMIT_NOFILE, at), Ok(0));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8))), (Ok(1024), Ok(1_048_576)));
        assert_eq!(getrlimit(&mut memory, &mut limits, &boot, 16, at), Err(Errno::EINVAL.into()));
        assert_eq!(getrlimit(&mut memory, &mut limits, &boot, 3, at.add(8)), Err(Errno::EFAULT.into()));
    }
}
