//! `setrlimit(2)`: <https://man7.org/linux/man-pages/man2/setrlimit.2.html>. Supported: every resource; not supported:
//! limits that this kernel would not enforce (CPU, FSIZE, STACK; DATA and AS below all memory there is). Errors: EINVAL,
//! EFAULT, EPERM.

use crate::abi::rlimit::RLIMIT_NOFILE;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::limits::{Limits, read_limit};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(164 => setrlimit);

/// Takes the limit of `resource` from `address`.
pub fn setrlimit(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    limits: &mut Limits,
    boot: &BootInfo,
    resource: u32,
    address: UserAddress,
) -> SysResult {
    let new = read_limit(memory, address)?;
    limits.set(boot, resource, new)?;
    if resource == RLIMIT_NOFILE {
        descriptors.set_limit(new.soft as usize);
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::RLIMIT_CORE;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn descriptors_obey() {
        let (mut memory, mut descriptors, mut limits) = (FakeMemory::new(16), Descriptors::new(), Limits::new());
        let (boot, at) = (BootInfo::default(), memory.put(0, &[9u64, 10].map(u64::to_le_bytes).concat()));
        let mut call = |resource, at| setrlimit(&mut memory, &mut descriptors, &mut limits, &boot, resource, at);
        assert_eq!(call(RLIMIT_NOFILE, at), Ok(0));
        assert_eq!(call(16, at), Err(Errno::EINVAL.into()));
        assert_eq!(call(RLIMIT_CORE, UserAddress::NULL), Err(Errno::EFAULT.into()));
        assert_eq!(descriptors.limit(), 9);
    }
}
