//! `prlimit(2)`: <https://man7.org/linux/man-pages/man2/prlimit.2.html>, where there are only the three standard
//! descriptors. Supported: this process and every resource; not supported: other processes, and limits that this kernel
//! would not enforce (CPU, FSIZE, STACK; DATA and AS below all memory there is). Errors: EINVAL, EFAULT, EPERM.

use crate::abi::rlimit::RLIMIT_NOFILE;
use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::subsystems::limits::{Limits, read_limit, write_limit};
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(261 => prlimit64, console_only);

/// Descriptors 0, 1 and 2.
const STANDARD_DESCRIPTORS: u64 = 3;

/// Takes the limit of `resource` from `address` and stores the old one at `old_address`, where these are not null.
pub fn prlimit64(
    memory: &mut impl UserMemory,
    limits: &mut Limits,
    boot: &BootInfo,
    thread: &mut Thread,
    pid: u32,
    resource: u32,
    address: UserAddress,
    old_address: UserAddress,
) -> SysResult {
    let new = if address.is_null() { None } else { Some(read_limit(memory, address)?) };
    if pid != 0 && pid != PROCESS_ID && pid != thread.tid {
        return Err(Refusal::Unsupported("the limits of another thread or process"));
    }
    let old = limits.get(boot, resource)?;
    if let Some(new) = new {
        if resource == RLIMIT_NOFILE && new.soft < STANDARD_DESCRIPTORS {
            return Err(Refusal::Unsupported("fewer descriptors than the standard ones"));
        }
        limits.set(boot, resource, new)?;
    }
    if !old_address.is_null() {
        write_limit(memory, old_address, old)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn more_descriptors_change_nothing() {
        let (mut memory, mut limits, mut thread) = (FakeMemory::new(32), Limits::new(), Thread::first());
        let boot = BootInfo::default();
        let (new, old) = (memory.put(0, &[3u64, 4096].map(u64::to_le_bytes).concat()), memory.address(16));
        let mut call =
            |memory: &mut FakeMemory| prlimit64(memory, &mut limits, &boot, &mut thread, 0, RLIMIT_NOFILE, new, old);
        assert_eq!((call(&mut memory), memory.read_u64(old)), (Ok(0), Ok(1024)));
        memory.put(0, &[2]);
        assert!(matches!(call(&mut memory), Err(Refusal::Unsupported(_))));
    }
}
