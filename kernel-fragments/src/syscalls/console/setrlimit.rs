//! `setrlimit(2)`: <https://man7.org/linux/man-pages/man2/setrlimit.2.html>, where there are only the three standard
//! descriptors. Supported: every resource; not supported: limits that this kernel would not enforce (CPU, FSIZE, STACK;
//! DATA and AS below all memory there is). Errors: EINVAL, EFAULT, EPERM.

use crate::abi::rlimit::RLIMIT_NOFILE;
use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::subsystems::limits::{Limits, read_limit};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(164 => setrlimit, console_only);

/// Descriptors 0, 1 and 2.
const STANDARD_DESCRIPTORS: u64 = 3;

/// Takes the limit of `resource` from `address`.
pub fn setrlimit(
    memory: &mut impl UserMemory,
    limits: &mut Limits,
    boot: &BootInfo,
    resource: u32,
    address: UserAddress,
) -> SysResult {
    let new = read_limit(memory, address)?;
    if resource == RLIMIT_NOFILE && new.soft < STANDARD_DESCRIPTORS {
        return Err(Refusal::Unsupported("fewer descriptors than the standard ones"));
    }
    limits.set(boot, resource, new)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn more_descriptors_change_nothing() {
        let (mut memory, mut limits, boot) = (FakeMemory::new(16), Limits::new(), BootInfo::default());
        let at = memory.put(0, &[4096u64, 4096].map(u64::to_le_bytes).concat());
        let mut call = |memory: &mut FakeMemory| setrlimit(memory, &mut limits, &boot, RLIMIT_NOFILE, at);
        assert_eq!(call(&mut memory), Ok(0));
        memory.put(0, &2u64.to_le_bytes());
        assert!(matches!(call(&mut memory), Err(Refusal::Unsupported(_))));
    }
}
