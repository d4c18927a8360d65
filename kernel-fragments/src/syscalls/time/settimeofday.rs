//! `settimeofday(2)`: <https://man7.org/linux/man-pages/man2/gettimeofday.2.html>. Supported: the time; not supported: a time zone other
//! than UTC. As `clock_settime` it does not move what waits for an absolute time of day already, but for timerfds. Errors: EINVAL,
//! EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::time_of_day::{check, set};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(170 => settimeofday);

/// Minutes west that no zone is beyond.
const MOST_MINUTES: i32 = 15 * 60;

/// Sets the time of day to the `timeval` at `address`, and the time zone to the one at `zone_address`, where these are not null.
pub fn settimeofday(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    boot: &BootInfo,
    address: UserAddress,
    zone_address: UserAddress,
) -> SysResult {
    let time = if address.is_null() { None } else { Some(memory.read_pair(address)?) };
    if let Some([_, microseconds]) = time
        && microseconds > 1_000_000
    {
        return Err(Errno::EINVAL.into());
    }
    let zone = if zone_address.is_null() { 0 } else { memory.read_u64(zone_address)? };
    if time.is_some_and(|[seconds, microseconds]| seconds > i64::MAX as u64 || microseconds == 1_000_000) {
        return Err(Errno::EINVAL.into());
    }
    let time_ns = time.map(|[seconds, part]| seconds.saturating_mul(1_000_000_000).saturating_add(part * 1000));
    check(time_ns)?;
    let minutes = zone as i32;
    if !(-MOST_MINUTES..=MOST_MINUTES).contains(&minutes) {
        return Err(Errno::EINVAL.into());
    }
    if zone != 0 {
        return Err(Refusal::Unsupported("a time zone other than UTC"));
    }
    if let Some(time_ns) = time_ns {
        set(clock, descriptors, boot, time_ns)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn time_and_zone() {
        let (mut memory, mut clock, mut descriptors) = (FakeMemory::new(32), Clock::new(), Descriptors::new());
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
            assert_eq!(settimeofday(&mut memory, &mut clock, &mut descriptors, &boot, at, zone), expected);
        }
        assert_eq!(clock.realtime_ns(&boot), 9_000_005_000);
        assert_eq!(settimeofday(&mut memory, &mut clock, &mut descriptors, &boot, null, null), Ok(0));
        let bad = UserAddress(8);
        assert_eq!(
            settimeofday(&mut memory, &mut clock, &mut descriptors, &boot, bad, null),
            Err(Errno::EFAULT.into())
        );
    }
}
