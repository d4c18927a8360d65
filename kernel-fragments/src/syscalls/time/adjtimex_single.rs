//! `adjtimex(2)`: <https://man7.org/linux/man-pages/man2/adjtimex.2.html>, where there is only one
//! thread: nobody waits for a time of day meanwhile.
//! Supported: asking (no modes, ADJ_OFFSET_SS_READ),
//! ADJ_SETOFFSET with or without ADJ_NANO; not supported: the other modes. The clock is never synchronised. Errors: EINVAL, EPERM,
//! EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::adjust;
use crate::subsystems::time_of_day::set;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(171 => adjtimex, single_thread);

/// Adjusts the time of day as the `timex` at `address` says, and tells there how it stands.
pub fn adjtimex(memory: &mut impl UserMemory, clock: &mut Clock, boot: &BootInfo, address: UserAddress) -> SysResult {
    adjust(memory, clock, boot, address, |clock, time_ns| set(clock, boot, time_ns).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn tells_how_the_clock_stands() {
        let (mut memory, mut clock) = (FakeMemory::new(208), Clock::new());
        let (boot, at) = (BootInfo { start_time_ns: 5_000_000_000, ..BootInfo::default() }, memory.address(0));
        assert_eq!(adjtimex(&mut memory, &mut clock, &boot, at), Ok(5));
        assert_eq!(memory.read_u64(at.add(72)), Ok(5));
        assert_eq!(adjtimex(&mut memory, &mut clock, &boot, at.add(1)), Err(Errno::EFAULT.into()));
    }
}
