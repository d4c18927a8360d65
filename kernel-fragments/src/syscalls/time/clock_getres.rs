//! `clock_getres(2)`: <https://man7.org/linux/man-pages/man2/clock_getres.2.html>. Supported: the clocks of
//! clock_gettime; the answers are those of a Linux with a tick of 4 ms. Errors: EINVAL, EFAULT.

use crate::abi::timespec::{CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE, write_timespec};
use crate::errno::SysResult;
use crate::subsystems::clock::ClockKind;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(114 => clock_getres);

/// The tick of Debian's kernel: CONFIG_HZ=250.
const TICK_NS: u64 = 4_000_000;

/// Stores the resolution of clock `id` at `address`, if that is not null.
pub fn clock_getres(memory: &mut impl UserMemory, thread: &mut Thread, id: i32, address: UserAddress) -> SysResult {
    ClockKind::of(id, thread)?;
    if !address.is_null() {
        let is_coarse = matches!(id, CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE);
        write_timespec(memory, address, if is_coarse { TICK_NS } else { 1 })?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn fine_and_coarse() {
        let (mut memory, mut thread) = (FakeMemory::new(16), Thread::first());
        let at = memory.address(0);
        for (id, nanoseconds) in [(0, 1), (5, TICK_NS), (6, TICK_NS), (11, 1)] {
            assert_eq!(clock_getres(&mut memory, &mut thread, id, at), Ok(0));
            assert_eq!(memory.read_u64(at.add(8)), Ok(nanoseconds));
        }
        assert_eq!(clock_getres(&mut memory, &mut thread, 1, UserAddress::NULL), Ok(0));
        assert_eq!(clock_getres(&mut memory, &mut thread, 1, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(clock_getres(&mut memory, &mut thread, 12, UserAddress::NULL), Err(Errno::EINVAL.into()));
    }
}
