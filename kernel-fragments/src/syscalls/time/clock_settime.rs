//! `clock_settime(2)`: <https://man7.org/linux/man-pages/man2/clock_getres.2.html>. Supported: finding what is wrong; not supported:
//! setting the time of day, which is a committed input. Errors: EINVAL, EFAULT.

use crate::abi::timespec::{CLOCK_REALTIME, read_timespec};
use crate::errno::{Errno, Refusal, SysResult};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(112 => clock_settime);

/// Sets clock `id` to the time at `address`: only the time of day could be.
pub fn clock_settime(memory: &mut impl UserMemory, id: i32, address: UserAddress) -> SysResult {
    if id != CLOCK_REALTIME {
        return Err(Errno::EINVAL.into());
    }
    read_timespec(memory, address)?;
    Err(Refusal::Unsupported("setting the time of day"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn only_the_time_of_day_could_be_set() {
        let mut memory = FakeMemory::new(32);
        memory.put(24, &u64::MAX.to_le_bytes());
        let (good, bad) = (memory.address(0), memory.address(16));
        let mut call = |id, address| clock_settime(&mut memory, id, address);
        for id in [1, 2, 4, 11, 99, -1] {
            assert_eq!(call(id, UserAddress::NULL), Err(Errno::EINVAL.into()), "{id}");
        }
        assert_eq!(call(0, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(call(0, bad), Err(Errno::EINVAL.into()));
        assert!(matches!(call(0, good), Err(Refusal::Unsupported(_))));
    }
}
