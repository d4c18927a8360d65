//! `prlimit(2)`: <https://man7.org/linux/man-pages/man2/prlimit.2.html>. Supported: this process; limits are kept, those that
//! would change what the kernel does are not enforced; not supported: changing RLIMIT_NOFILE. Errors: EINVAL, EFAULT,
//! ESRCH.

use crate::abi::rlimit::RLIMIT_BYTES;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::limits::Limits;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(261 => prlimit64);

/// Takes the limits of `resource` from `address` and stores the old ones at `old_address`, where these are not null.
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
    let new = if address.is_null() {
        None
    } else {
        memory.slice(address, RLIMIT_BYTES)?;
        Some((memory.read_u64(address)?, memory.read_u64(address.add(8))?))
    };
    if pid != 0 && pid != PROCESS_ID && pid != thread.tid {
        return Err(Errno::ESRCH.into());
    }
    let (soft, hard) = limits.get(boot, resource)?;
    if let Some(new) = new {
        limits.set(boot, resource, new)?;
    }
    if !old_address.is_null() {
        memory.slice_mut(old_address, RLIMIT_BYTES)?;
        memory.write_u64(old_address, soft)?;
        memory.write_u64(old_address.add(8), hard)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::{RLIMIT_NOFILE, RLIMIT_STACK, UNLIMITED};
    use crate::boot_info::Range;
    use crate::errno::Refusal;
    use crate::testing::FakeMemory;

    #[test]
    fn tells_and_keeps() {
        let (mut memory, mut limits, mut thread) = (FakeMemory::new(64), Limits::new(), Thread::first());
        let boot = BootInfo { stack_range: Range { start: 0x1000, end: 0x9000 }, ..BootInfo::default() };
        let (new, old, null) = (memory.put(0, &[5u64, 9].map(u64::to_le_bytes).concat()), memory.address(32), UserAddress::NULL);
        let mut call = |memory: &mut FakeMemory, pid, resource, new, old| {
            prlimit64(memory, &mut limits, &boot, &mut thread, pid, resource, new, old)
        };
        assert_eq!(call(&mut memory, 0, RLIMIT_STACK, null, old), Ok(0));
        assert_eq!((memory.read_u64(old), memory.read_u64(old.add(8))), (Ok(0x8000), Ok(UNLIMITED)));
        assert_eq!(call(&mut memory, 2, 4, new, null), Ok(0));
        assert_eq!(call(&mut memory, 0, 4, null, old), Ok(0));
        assert_eq!((memory.read_u64(old), memory.read_u64(old.add(8))), (Ok(5), Ok(9)));
        assert!(matches!(call(&mut memory, 0, RLIMIT_NOFILE, new, null), Err(Refusal::Unsupported(_))));
        memory.put(0, &10u64.to_le_bytes());
        for (pid, resource, new, old, errno) in [
            (0, 4, new, null, Errno::EINVAL),
            (0, 16, null, null, Errno::EINVAL),
            (9, 16, null, null, Errno::ESRCH),
            (9, 16, UserAddress(8), null, Errno::EFAULT),
            (0, 4, null, UserAddress(8), Errno::EFAULT),
        ] {
            assert_eq!(call(&mut memory, pid, resource, new, old), Err(errno.into()), "{pid} {resource}");
        }
    }
}
