//! `nanosleep(2)`: <https://man7.org/linux/man-pages/man2/nanosleep.2.html>, where there is only one thread: the clock
//! moves on. Supported: everything. Errors: EFAULT, EINVAL.

use crate::abi::timespec::read_timespec;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(101 => nanosleep, single_thread);

/// Sleeps for the time at `address`. Nothing can interrupt it, so what remains is never stored.
pub fn nanosleep(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    address: UserAddress,
    _remaining: UserAddress,
) -> SysResult {
    clock.idle_until(clock.after_ns(read_timespec(memory, address)?));
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn moves_the_clock() {
        let (mut memory, mut clock) = (FakeMemory::new(16), Clock::new());
        let time = memory.put(0, &[3u64, 5].map(u64::to_le_bytes).concat());
        assert_eq!(nanosleep(&mut memory, &mut clock, time, UserAddress(8)), Ok(0));
        assert_eq!(clock.now_ns(), 3_000_000_005);
        memory.put(8, &[0xff; 8]);
        assert_eq!(nanosleep(&mut memory, &mut clock, time, UserAddress(8)), Err(Errno::EINVAL.into()));
        assert_eq!(nanosleep(&mut memory, &mut clock, UserAddress(8), time), Err(Errno::EFAULT.into()));
    }
}
