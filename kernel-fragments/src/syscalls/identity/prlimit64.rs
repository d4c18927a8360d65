//! `prlimit(2)`: <https://man7.org/linux/man-pages/man2/prlimit.2.html>. Supported: this process and every resource; not
//! supported: other processes, and limits that this kernel would not enforce (CPU, FSIZE, STACK; DATA and AS below all
//! memory there is). Errors: EINVAL, EFAULT, EPERM.

use crate::abi::rlimit::RLIMIT_NOFILE;
use crate::boot_info::BootInfo;
use crate::errno::{Refusal, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::limits::{Limits, read_limit, write_limit};
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(261 => prlimit64);

/// Takes the limit of `resource` from `address` and stores the old one at `old_address`, where these are not null.
pub fn prlimit64(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
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
        limits.set(boot, resource, new)?;
        if resource == RLIMIT_NOFILE {
            descriptors.set_limit(new.soft as usize);
        }
    }
    if !old_address.is_null() {
        write_limit(memory, old_address, old)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::{RLIMIT_AS, RLIMIT_CORE, RLIMIT_DATA, RLIMIT_STACK, UNLIMITED};
    use crate::boot_info::Range;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    const NULL: UserAddress = UserAddress::NULL;

    struct Machine {
        memory: FakeMemory,
        descriptors: Descriptors,
        limits: Limits,
        boot: BootInfo,
        thread: Thread,
    }

    impl Machine {
        fn new() -> Machine {
            Machine {
                memory: FakeMemory::new(32),
                descriptors: Descriptors::new(),
                limits: Limits::new(),
                boot: BootInfo { stack_range: Range { start: 0x1000, end: 0x9000 }, ..BootInfo::default() },
                thread: Thread::first(),
            }
        }

        fn call(&mut self, pid: u32, resource: u32, new: UserAddress, old: UserAddress) -> SysResult {
            let Machine { memory, descriptors, limits, boot, thread } = self;
            prlimit64(memory, descriptors, limits, boot, thread, pid, resource, new, old)
        }

        /// Sets `resource`; the limits before that.
        fn set(&mut self, resource: u32, soft: u64, hard: u64) -> Result<[u64; 2], Refusal> {
            let new = self.memory.put(0, &[soft, hard].map(u64::to_le_bytes).concat());
            let old = self.memory.address(16);
            self.call(0, resource, new, old)?;
            Ok([self.memory.read_u64(old)?, self.memory.read_u64(old.add(8))?])
        }
    }

    #[test]
    fn descriptors_obey() {
        let mut machine = Machine::new();
        assert_eq!(machine.set(RLIMIT_NOFILE, 3, 4096), Ok([1024, 4096]));
        assert_eq!(machine.descriptors.limit(), 3);
        assert_eq!(machine.set(RLIMIT_NOFILE, 1 << 20, 1 << 20), Ok([3, 4096]));
        assert_eq!(machine.descriptors.limit(), 1 << 20);
        assert_eq!(machine.set(RLIMIT_NOFILE, 1, (1 << 20) + 1), Err(Errno::EPERM.into()));
    }

    #[test]
    fn what_would_not_be_enforced_is_refused() {
        let mut machine = Machine::new();
        assert_eq!(machine.set(RLIMIT_CORE, 5, 9), Ok([0, UNLIMITED]));
        assert_eq!(machine.set(RLIMIT_CORE, 0, 0), Ok([5, 9]));
        assert_eq!(machine.set(RLIMIT_STACK, 0x8000, 0x8000), Ok([0x8000, UNLIMITED]), "no change of what holds");
        assert!(matches!(machine.set(RLIMIT_STACK, 0x7000, 0x8000), Err(Refusal::Unsupported(_))));
        machine.boot.program_ranges[1] = Range { start: 0x1000, end: 0x9000 };
        for resource in [RLIMIT_AS, RLIMIT_DATA] {
            assert_eq!(machine.set(resource, 0x8000, UNLIMITED), Ok([UNLIMITED; 2]), "all memory there is");
            assert!(matches!(machine.set(resource, 0x7000, UNLIMITED), Err(Refusal::Unsupported(_))));
        }
    }

    #[test]
    fn refusals() {
        let mut machine = Machine::new();
        let (at, bad) = (machine.memory.put(0, &[10]), UserAddress(8));
        for (resource, new, old, errno) in [
            (RLIMIT_CORE, at, NULL, Errno::EINVAL),
            (16, NULL, NULL, Errno::EINVAL),
            (16, bad, NULL, Errno::EFAULT),
            (RLIMIT_CORE, NULL, bad, Errno::EFAULT),
        ] {
            assert_eq!(machine.call(0, resource, new, old), Err(errno.into()), "{resource}");
        }
        assert_eq!(machine.call(PROCESS_ID, RLIMIT_CORE, NULL, NULL), Ok(0));
        assert!(matches!(machine.call(9, RLIMIT_CORE, NULL, NULL), Err(Refusal::Unsupported(_))));
    }
}
