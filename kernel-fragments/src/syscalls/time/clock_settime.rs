//! `clock_settime(2)`: <https://man7.org/linux/man-pages/man2/clock_getres.2.html>. Supported: everything. Timers of `timer_create`
//! and sleeps that wait for an absolute time of day already are not moved. Errors: EINVAL, EFAULT, EPERM.

use crate::abi::timespec::{CLOCK_REALTIME, read_timespec};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::time_of_day::set;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(112 => clock_settime);

/// Sets clock `id` to the time at `address`: only the time of day can be.
pub fn clock_settime(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> SysResult {
    if id > CLOCK_REALTIME {
        return Err(Errno::EINVAL.into());
    }
    let time_ns = read_timespec(memory, address)?;
    if id < 0 {
        // Processor time is nobody's to set (kernel/time/posix-cpu-timers.c, posix_cpu_clock_set).
        return Err(ClockKind::of(id, thread).err().unwrap_or(Errno::EPERM.into()));
    }
    set(clock, descriptors, boot, time_ns)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn only_the_time_of_day_can_be_set() {
        let (mut memory, mut clock, mut descriptors) = (FakeMemory::new(48), Clock::new(), Descriptors::new());
        let (boot, mut thread) = (BootInfo::default(), Thread::first());
        memory.put(24, &u64::MAX.to_le_bytes());
        let (good, bad) = (memory.put(32, &[9, 7u64].map(u64::to_le_bytes).concat()), memory.address(16));
        let mut call = |clock: &mut Clock, id, address| {
            clock_settime(&mut memory, clock, &mut descriptors, &boot, &mut thread, id, address)
        };
        for id in [1, 2, 4, 11, 99] {
            assert_eq!(call(&mut clock, id, UserAddress::NULL), Err(Errno::EINVAL.into()), "{id}");
        }
        assert_eq!(call(&mut clock, 0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(call(&mut clock, 0, bad), Err(Errno::EINVAL.into()));
        assert_eq!((call(&mut clock, -6, good), call(&mut clock, -1, good)), {
            (Err(Errno::EPERM.into()), Err(Errno::EINVAL.into()))
        });
        assert_eq!((call(&mut clock, 0, good), clock.realtime_ns(&boot)), (Ok(0), 9_000_000_007));
    }
}
