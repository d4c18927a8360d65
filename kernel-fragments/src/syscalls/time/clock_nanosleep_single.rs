//! `clock_nanosleep(2)`: <https://man7.org/linux/man-pages/man2/clock_nanosleep.2.html>, where there is only one thread:
//! the clock moves on. Supported: everything but CPU time. Errors: EINVAL, EOPNOTSUPP, EFAULT.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::clock::Clock;
use crate::subsystems::sleep_request::sleep_deadline_ns;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(115 => clock_nanosleep, single_thread);

/// Sleeps by clock `id`, for or (TIMER_ABSTIME) until the time at `address`. Nothing can interrupt it, so what remains is
/// never stored.
pub fn clock_nanosleep(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    flags: u32,
    address: UserAddress,
    _remaining: UserAddress,
) -> SysResult {
    let (deadline_ns, _) = sleep_deadline_ns(memory, clock, boot, thread, id, flags, address)?;
    clock.idle_until(deadline_ns);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::timespec::TIMER_ABSTIME;
    use crate::errno::{Errno, Refusal};
    use crate::testing::FakeMemory;

    #[test]
    fn relative_and_absolute() {
        let (mut memory, mut clock, mut thread) = (FakeMemory::new(16), Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 2_000_000_000, ..BootInfo::default() };
        let time = memory.put(0, &[3u64, 0].map(u64::to_le_bytes).concat());
        let mut call = |memory: &mut FakeMemory, id, flags, time| {
            let result = clock_nanosleep(memory, &mut clock, &boot, &mut thread, id, flags, time, UserAddress::NULL);
            (result, clock.now_ns() / 1_000_000_000)
        };
        assert_eq!(call(&mut memory, 0, TIMER_ABSTIME, time), (Ok(0), 1), "3 s of the day is 1 s after boot");
        assert_eq!(call(&mut memory, 1, TIMER_ABSTIME, time), (Ok(0), 3));
        assert_eq!(call(&mut memory, 0, TIMER_ABSTIME, time), (Ok(0), 3), "over already");
        assert_eq!(call(&mut memory, 11, 0, time), (Ok(0), 6));
        let bad = UserAddress(8);
        for (id, time, errno) in [
            (3, time, Errno::EOPNOTSUPP),
            (4, bad, Errno::EOPNOTSUPP),
            (12, bad, Errno::EINVAL),
            (-2, time, Errno::EINVAL),
            (1, bad, Errno::EFAULT),
        ] {
            assert_eq!(call(&mut memory, id, 0, time).0, Err(errno.into()), "{id}");
        }
        assert!(matches!(call(&mut memory, 2, 0, time).0, Err(Refusal::Unsupported(_))));
    }
}
