//! `struct itimerspec` and `struct itimerval`: an interval, then the time until the timer is due.

use crate::abi::timespec::{LATEST_NS, SECOND_NS, TIMESPEC_BYTES, read_timespec, write_timespec, write_timeval};
use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// How a timer is set: both 0 for not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerSetting {
    /// Time between two due times; 0 for one only.
    pub interval_ns: u64,
    /// The first due time, or the time until then; 0 if the timer is not armed.
    pub value_ns: u64,
}

impl TimerSetting {
    /// The `itimerspec` at `address`; EFAULT, EINVAL.
    pub fn read(memory: &impl UserMemory, address: UserAddress) -> Result<TimerSetting, Errno> {
        memory.slice(address, 2 * TIMESPEC_BYTES)?;
        let interval_ns = read_timespec(memory, address)?;
        Ok(TimerSetting { interval_ns, value_ns: read_timespec(memory, address.add(TIMESPEC_BYTES))? })
    }

    /// Stores it as an `itimerspec`; EFAULT.
    pub fn write(self, memory: &mut impl UserMemory, address: UserAddress) -> Result<(), Errno> {
        write_timespec(memory, address, self.interval_ns)?;
        write_timespec(memory, address.add(TIMESPEC_BYTES), self.value_ns)
    }

    /// The `itimerval` at `address`, in microseconds; EFAULT, EINVAL.
    pub fn read_microseconds(memory: &impl UserMemory, address: UserAddress) -> Result<TimerSetting, Errno> {
        memory.slice(address, 2 * TIMESPEC_BYTES)?;
        let time = |address: UserAddress| {
            let (seconds, microseconds) = (memory.read_u64(address)?, memory.read_u64(address.add(8))?);
            if seconds > i64::MAX as u64 || microseconds >= 1_000_000 {
                return Err(Errno::EINVAL);
            }
            Ok(seconds.saturating_mul(SECOND_NS).saturating_add(microseconds * 1000))
        };
        Ok(TimerSetting { interval_ns: time(address)?, value_ns: time(address.add(TIMESPEC_BYTES))? })
    }

    /// Stores it as an `itimerval`; EFAULT.
    pub fn write_microseconds(self, memory: &mut impl UserMemory, address: UserAddress) -> Result<(), Errno> {
        write_timeval(memory, address, self.interval_ns)?;
        // Rounded up: what is armed does not look as if it were not.
        write_timeval(memory, address.add(TIMESPEC_BYTES), self.value_ns.saturating_add(999))
    }
}

/// The first time after `now_ns` of those that come from `due_ns` on, every `interval_ns`, and how many come before it
/// (kernel/time/hrtimer.c, hrtimer_forward).
pub fn next_after(due_ns: i64, interval_ns: u64, now_ns: i64) -> (i64, i64) {
    if due_ns > now_ns {
        return (due_ns, 0);
    }
    let count = (now_ns.abs_diff(due_ns) / interval_ns.max(1)).saturating_add(1);
    let next_ns = due_ns.saturating_add_unsigned(count.saturating_mul(interval_ns));
    (next_ns, count.min(LATEST_NS).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn due_again() {
        for (due_ns, interval_ns, now_ns, expected) in [
            (100, 7, 99, (100, 0)),
            (100, 7, 100, (107, 1)),
            (100, 7, 106, (107, 1)),
            (100, 7, 107, (114, 2)),
            (-60, 7, 3, (10, 10)),
            (i64::MIN, 1, i64::MAX, (i64::MAX, i64::MAX)),
            (0, u64::MAX, 5, (i64::MAX, 1)),
        ] {
            assert_eq!(next_after(due_ns, interval_ns, now_ns), expected, "{due_ns} {interval_ns} {now_ns}");
        }
    }

    #[test]
    fn round_trips() {
        let mut memory = FakeMemory::new(32);
        let (at, setting) = (memory.address(0), TimerSetting { interval_ns: 3_000_000_000, value_ns: 5_000 });
        assert_eq!((setting.write(&mut memory, at), TimerSetting::read(&memory, at)), (Ok(()), Ok(setting)));
        assert_eq!(setting.write_microseconds(&mut memory, at), Ok(()));
        assert_eq!(TimerSetting::read_microseconds(&memory, at), Ok(setting));
        memory.put(8, &1_000_000u64.to_le_bytes());
        assert_eq!(TimerSetting::read_microseconds(&memory, at), Err(Errno::EINVAL));
        assert_eq!(TimerSetting::read(&memory, at.add(8)), Err(Errno::EFAULT));
    }
}
