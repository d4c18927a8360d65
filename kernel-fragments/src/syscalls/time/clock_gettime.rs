//! `clock_gettime(2)`: <https://man7.org/linux/man-pages/man2/clock_gettime.2.html>. Supported: clocks 0–7 and 11, CPU
//! clocks of the process and the calling thread. Errors: EINVAL, EFAULT.

use crate::abi::timespec::{CLOCK_MONOTONIC, write_timespec};
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(113 => clock_gettime);

quick!(monotonic);

/// The clock that is asked for most, as long as the second lasts.
pub fn monotonic(memory: &mut impl UserMemory, clock: &mut Clock, id: i32, address: UserAddress) -> Option<SysResult> {
    let (now_ns, time) = clock.next_monotonic().filter(|_| id == CLOCK_MONOTONIC)?;
    memory.write_words_quickly(address, time)?;
    clock.step_to(now_ns);
    Some(Ok(0))
}

/// Stores the time of clock `id` at `address`.
pub fn clock_gettime(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> SysResult {
    if id == CLOCK_MONOTONIC {
        // From now on the quick way knows the second.
        memory.write_words(address, clock.read_monotonic())?;
        return Ok(0);
    }
    let kind = ClockKind::of(id, thread)?;
    write_timespec(memory, address, clock.read_ns(boot, thread, kind))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn tells_and_moves_on() {
        let (mut memory, mut clock, mut thread) = (FakeMemory::new(16), Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 7_000_000_001, ..BootInfo::default() };
        let at = memory.address(0);
        let mut call = |memory: &mut FakeMemory, id, at| clock_gettime(memory, &mut clock, &boot, &mut thread, id, at);
        assert_eq!(call(&mut memory, 0, at), Ok(0));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8))), (Ok(7), Ok(1001)));
        assert_eq!(call(&mut memory, 1, at), Ok(0));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8))), (Ok(0), Ok(2000)));
        assert_eq!(call(&mut memory, 10, UserAddress::NULL), Err(Errno::EINVAL.into()));
        assert_eq!(call(&mut memory, 1, UserAddress::NULL), Err(Errno::EFAULT.into()));
    }

    #[test]
    fn the_quick_way_tells_the_same() {
        let (mut memory, mut clock) = (FakeMemory::new(16), Clock::new());
        let at = memory.address(0);
        assert_eq!(monotonic(&mut memory, &mut clock, 1, at), Some(Ok(0)));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8))), (Ok(0), Ok(1000)));
        assert_eq!(monotonic(&mut memory, &mut clock, 0, at), None);
        assert_eq!(monotonic(&mut memory, &mut clock, 1, UserAddress::NULL), None);
        assert_eq!(clock.now_ns(), 1000, "what was left alone took no time");
        clock.idle_until(2_000_000_000);
        assert_eq!(monotonic(&mut memory, &mut clock, 1, at), None, "the next second");
        assert_eq!(clock.read_monotonic(), [2, 1000]);
        assert_eq!(monotonic(&mut memory, &mut clock, 1, at), Some(Ok(0)));
        assert_eq!((memory.read_u64(at), memory.read_u64(at.add(8))), (Ok(2), Ok(2000)));
    }
}
