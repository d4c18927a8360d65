//! `clock_settime(2)`: <https://man7.org/linux/man-pages/man2/clock_getres.2.html>, where there is only one
//! thread: nobody waits for a time of day meanwhile.
//! Supported: everything. Errors: EINVAL, EFAULT, EPERM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::time_to_set;
use crate::subsystems::time_of_day::set;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(112 => clock_settime, single_thread);

/// Sets clock `id` to the time at `address`: only the time of day can be.
pub fn clock_settime(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> SysResult {
    set(clock, boot, time_to_set(memory, thread, id, address)?)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn only_the_time_of_day_can_be_set() {
        let (mut memory, mut clock) = (FakeMemory::new(48), Clock::new());
        let (boot, mut thread) = (BootInfo::default(), Thread::first());
        memory.put(24, &u64::MAX.to_le_bytes());
        let (good, bad) = (memory.put(32, &[9, 7u64].map(u64::to_le_bytes).concat()), memory.address(16));
        let mut call =
            |clock: &mut Clock, id, address| clock_settime(&mut memory, clock, &boot, &mut thread, id, address);
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
