//! `struct timespec` and clock ids (include/uapi/linux/time.h). Inside the kernel, times are nanoseconds in a `u64`.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of a `timespec`, and of a `timeval`.
pub const TIMESPEC_BYTES: usize = 16;
/// Nanoseconds of a second.
pub const SECOND_NS: u64 = 1_000_000_000;
/// The latest time there is, in nanoseconds (include/linux/ktime.h, KTIME_MAX): about 292 years.
pub const LATEST_NS: u64 = i64::MAX as u64;

/// Time of day.
pub const CLOCK_REALTIME: i32 = 0;
/// Time since boot.
pub const CLOCK_MONOTONIC: i32 = 1;
/// What the process ran.
pub const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;
/// What the thread ran.
pub const CLOCK_THREAD_CPUTIME_ID: i32 = 3;
/// As MONOTONIC, never adjusted.
pub const CLOCK_MONOTONIC_RAW: i32 = 4;
/// As REALTIME, by the tick.
pub const CLOCK_REALTIME_COARSE: i32 = 5;
/// As MONOTONIC, by the tick.
pub const CLOCK_MONOTONIC_COARSE: i32 = 6;
/// As MONOTONIC, with time asleep.
pub const CLOCK_BOOTTIME: i32 = 7;
/// As REALTIME, without leap seconds; the offset is 0.
pub const CLOCK_TAI: i32 = 11;

/// clock_nanosleep: until a time, not for a time.
pub const TIMER_ABSTIME: u32 = 1;

/// The time at `address` in nanoseconds, at most [`LATEST_NS`].
///
/// # Errors
/// EFAULT; EINVAL for negative seconds or nanoseconds that are not below a second.
pub fn read_timespec(memory: &impl UserMemory, address: UserAddress) -> Result<u64, Errno> {
    memory.slice(address, TIMESPEC_BYTES)?;
    let (seconds, nanoseconds) = (memory.read_u64(address)?, memory.read_u64(address.add(8))?);
    if seconds > i64::MAX as u64 || nanoseconds >= SECOND_NS {
        return Err(Errno::EINVAL);
    }
    Ok(seconds.saturating_mul(SECOND_NS).saturating_add(nanoseconds).min(LATEST_NS))
}

/// Stores `time_ns` at `address`; EFAULT.
pub fn write_timespec(memory: &mut impl UserMemory, address: UserAddress, time_ns: u64) -> Result<(), Errno> {
    write_time(memory, address, time_ns / SECOND_NS, time_ns % SECOND_NS)
}

/// Stores `time_ns` at `address` as a `timeval`, in microseconds; EFAULT.
pub fn write_timeval(memory: &mut impl UserMemory, address: UserAddress, time_ns: u64) -> Result<(), Errno> {
    write_time(memory, address, time_ns / SECOND_NS, time_ns % SECOND_NS / 1000)
}

fn write_time(memory: &mut impl UserMemory, address: UserAddress, seconds: u64, part: u64) -> Result<(), Errno> {
    memory.write_words(address, [seconds, part])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn limits() {
        let mut memory = FakeMemory::new(16);
        let at = memory.address(0);
        for (seconds, nanoseconds, expected) in [
            (0, 0, Ok(0)),
            (2, 5, Ok(2 * SECOND_NS + 5)),
            (i64::MAX, 999_999_999, Ok(LATEST_NS)),
            (-1, 0, Err(Errno::EINVAL)),
            (0, -1, Err(Errno::EINVAL)),
            (0, 1_000_000_000, Err(Errno::EINVAL)),
        ] {
            memory.put(0, &[seconds, nanoseconds].map(i64::to_le_bytes).concat());
            assert_eq!(read_timespec(&memory, at), expected);
        }
        assert_eq!(write_timespec(&mut memory, at, 3 * SECOND_NS + 7), Ok(()));
        assert_eq!(read_timespec(&memory, at), Ok(3 * SECOND_NS + 7));
        assert_eq!(write_timeval(&mut memory, at, 3 * SECOND_NS + 7999), Ok(()));
        assert_eq!(memory.read_u64(at.add(8)), Ok(7));
        assert_eq!(read_timespec(&memory, at.add(1)), Err(Errno::EFAULT));
    }
}
