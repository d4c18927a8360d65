//! `gettimeofday(2)`: <https://man7.org/linux/man-pages/man2/gettimeofday.2.html>. Supported: everything; the time zone is
//! UTC. Errors: EFAULT.

use crate::abi::timespec::write_timeval;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(169 => gettimeofday);

/// Stores the time of day at `address` and the time zone at `zone_address`, where these are not null.
pub fn gettimeofday(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
    zone_address: UserAddress,
) -> SysResult {
    if !address.is_null() {
        write_timeval(memory, address, clock.read_ns(boot, thread, ClockKind::Realtime))?;
    }
    if !zone_address.is_null() {
        memory.write_u64(zone_address, 0)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn microseconds() {
        let (mut memory, mut clock, mut thread) = (FakeMemory::new(24), Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 2_000_004_000, ..BootInfo::default() };
        let (at, zone) = (memory.address(0), memory.put(16, &[1; 8]));
        let mut call = |memory: &mut FakeMemory, at| gettimeofday(memory, &mut clock, &boot, &mut thread, at, zone);
        assert_eq!(call(&mut memory, at), Ok(0));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8)), memory.read_u64(zone)), (Ok(2), Ok(5), Ok(0)));
        assert_eq!(call(&mut memory, UserAddress::NULL), Ok(0));
        assert_eq!(call(&mut memory, UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
