//! `settimeofday(2)`: <https://man7.org/linux/man-pages/man2/gettimeofday.2.html>, where there is only one
//! thread: nobody waits for a time of day meanwhile.
//! Supported: the time; not supported: a time zone other than UTC. Errors: EINVAL, EFAULT, EPERM.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::time_with_zone;
use crate::subsystems::time_of_day::set;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(170 => settimeofday, single_thread);

/// Sets the time of day to the `timeval` at `address`, and the time zone to the one at `zone_address`, where these are not null.
pub fn settimeofday(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    address: UserAddress,
    zone_address: UserAddress,
) -> SysResult {
    if let Some(time_ns) = time_with_zone(memory, address, zone_address)? {
        set(clock, boot, time_ns)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::{Errno, Refusal};
    use crate::testing::FakeMemory;

    #[test]
    fn time_and_zone() {
        let (mut memory, mut clock) = (FakeMemory::new(32), Clock::new());
        let boot = BootInfo::default();
        let (at, null) = (memory.address(0), UserAddress::NULL);
        for (seconds, microseconds, zone, expected) in [
            (9, 5, 0, Ok(0)),
            (9, 1_000_000, 0, Err(Errno::EINVAL.into())),
            (-1, 0, 0, Err(Errno::EINVAL.into())),
            (9, 0, 901, Err(Errno::EINVAL.into())),
            (9, 0, 60, Err(Refusal::Unsupported("a time zone other than UTC"))),
        ] {
            memory.put(0, &[seconds, microseconds, zone].map(i64::to_le_bytes).concat());
            let zone = memory.address(16);
            assert_eq!(settimeofday(&mut memory, &mut clock, &boot, at, zone), expected);
        }
        assert_eq!(clock.realtime_ns(&boot), 9_000_005_000);
        assert_eq!(settimeofday(&mut memory, &mut clock, &boot, null, null), Ok(0));
        let bad = UserAddress(8);
        assert_eq!(settimeofday(&mut memory, &mut clock, &boot, bad, null), Err(Errno::EFAULT.into()));
    }
}
