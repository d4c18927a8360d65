//! `getrusage(2)`: <https://man7.org/linux/man-pages/man2/getrusage.2.html>. Supported: everything; all CPU time is the
//! program's, all its memory is resident from the start, and no fault, block or signal is counted. Errors: EINVAL, EFAULT.

use crate::abi::timespec::write_timeval;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(165 => getrusage);

const RUSAGE_SELF: i32 = 0;
const RUSAGE_CHILDREN: i32 = -1;
const RUSAGE_THREAD: i32 = 1;
/// Bytes of `struct rusage`.
const RUSAGE_BYTES: usize = 144;
/// Where it tells the most memory that was resident, in KiB, behind the times in the program and in the kernel.
const MAXRSS_OFFSET: usize = 32;

/// Stores what `who` used at `address`.
pub fn getrusage(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    who: i32,
    address: UserAddress,
) -> SysResult {
    let kind = match who {
        RUSAGE_SELF => Some(ClockKind::ProcessCpu),
        RUSAGE_THREAD => Some(ClockKind::ThreadCpu),
        RUSAGE_CHILDREN => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    memory.slice_mut(address, RUSAGE_BYTES)?.fill(0);
    if let Some(kind) = kind {
        write_timeval(memory, address, clock.read_ns(boot, thread, kind))?;
        let resident: u64 = boot.program_ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        memory.write_u64(address.add(MAXRSS_OFFSET), resident / 1024)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_info::Range;
    use crate::testing::FakeMemory;

    #[test]
    fn own_time_and_memory() {
        let (mut memory, mut clock, mut thread) = (FakeMemory::new(144), Clock::new(), Thread::first());
        let mut boot = BootInfo::default();
        boot.program_ranges[0] = Range { start: 0x1000, end: 0x5000 };
        let at = memory.put(0, &[7; 144]);
        let mut call = |memory: &mut FakeMemory, who, at| getrusage(memory, &mut clock, &boot, &mut thread, who, at);
        assert_eq!(call(&mut memory, RUSAGE_SELF, at), Ok(0));
        assert_eq!((memory.read_u64(at.add(8)), memory.read_u64(at.add(32))), (Ok(1), Ok(16)));
        assert!(memory.bytes(40, 104).iter().all(|&byte| byte == 0));
        assert_eq!(call(&mut memory, RUSAGE_THREAD, at), Ok(0));
        assert_eq!(memory.read_u64(at.add(8)), Ok(2));
        assert_eq!(call(&mut memory, RUSAGE_CHILDREN, at), Ok(0));
        assert!(memory.bytes(0, 144).iter().all(|&byte| byte == 0));
        assert_eq!(call(&mut memory, 2, at), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, RUSAGE_SELF, at.add(1)), Err(Errno::EFAULT.into()));
    }
}
