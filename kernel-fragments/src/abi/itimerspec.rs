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

/// When a timer that waits for a time of day, `due_ns` after boot, and every `interval_ns` from then on (0: not again) is due next, or was
/// due first since boot, if that time comes `moved_ns` earlier; and how often it was due before boot.
pub fn move_due(due_ns: u64, interval_ns: u64, moved_ns: i64) -> (u64, u64) {
    let due_ns = due_ns.min(LATEST_NS).cast_signed().saturating_sub(moved_ns);
    if due_ns >= 0 || interval_ns == 0 {
        return (due_ns.max(0).cast_unsigned(), 0);
    }
    let count = due_ns.unsigned_abs().div_ceil(interval_ns);
    (count * interval_ns - due_ns.unsigned_abs(), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn due_earlier_or_later() {
        for (due_ns, interval_ns, moved_ns, expected) in [
            (100, 7, 60, (40, 0)),
            (100, 7, -60, (160, 0)),
            (100, 0, 160, (0, 0)),
            (100, 7, 160, (3, 9)),
            (100, 60, 160, (0, 1)),
            (LATEST_NS, 1, -5, (LATEST_NS, 0)),
        ] {
            assert_eq!(move_due(due_ns, interval_ns, moved_ns), expected, "{due_ns} {interval_ns} {moved_ns}");
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
