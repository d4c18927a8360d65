//! `timer_settime(2)`: <https://man7.org/linux/man-pages/man2/timer_settime.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::abi::itimerspec::TimerSetting;
use crate::abi::timespec::TIMER_ABSTIME;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(110 => timer_settime);

/// Sets timer `id` as the `itimerspec` at `address` says and stores what it was at `old_address`, unless null.
pub fn timer_settime(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    flags: u32,
    address: UserAddress,
    old_address: UserAddress,
) -> SysResult {
    if address.is_null() {
        return Err(Errno::EINVAL.into());
    }
    let setting = TimerSetting::read(memory, address)?;
    let timer = timers.get(id).ok().filter(|timer| timer.id >= 0).ok_or(Errno::EINVAL)?;
    let (value_ns, interval_ns) = timer.remaining_ns(signals, clock.now_ns());
    let (id_of_clock, kind) = (timer.clock, ClockKind::of(timer.clock, thread)?);
    let is_absolute = flags & TIMER_ABSTIME != 0;
    let due_ns = match setting.value_ns {
        0 => None,
        value_ns if is_absolute => Some(clock.around_boot_ns(boot, kind, value_ns)),
        value_ns => Some(clock.after_ns(value_ns).cast_signed()),
    };
    timers.arm(signals, threads, id, due_ns, setting.interval_ns, kind.moves(id_of_clock, is_absolute))?;
    if !old_address.is_null() {
        TimerSetting { interval_ns, value_ns }.write(memory, old_address)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::signal_timer::{Notice, Timer, timer_info};
    use crate::syscalls::time::timer_delete::timer_delete;
    use crate::syscalls::time::timer_getoverrun::timer_getoverrun;
    use crate::syscalls::time::timer_gettime::timer_gettime;
    use crate::testing::FakeMemory;

    #[test]
    fn relative_and_absolute() {
        let (mut memory, mut timers, mut threads) = (FakeMemory::new(128), Timers::new(), Threads::new());
        let mut signals = Signals::new();
        let (mut clock, mut thread) = (Clock::new(), Thread::first());
        let boot = BootInfo { start_time_ns: 1_000_000_000, ..BootInfo::default() };
        timers.add(Timer::new(0, 0, Notice::Nobody, timer_info(0, 0)));
        let new = memory.put(0, &[0, 7, 3, 0u64].map(u64::to_le_bytes).concat());
        let old = memory.address(64);
        let (space, clock) = (&mut memory, &mut clock);
        let mut set = |space: &mut FakeMemory, timers: &mut Timers, id, flags, new, old| {
            let signals = &mut Signals::new();
            timer_settime(space, timers, signals, &mut threads, clock, &boot, &mut thread, id, flags, new, old)
        };
        assert_eq!(set(space, &mut timers, 0, 0, new, UserAddress::NULL), Ok(0));
        assert_eq!(timers.get(0).map(|timer| timer.remaining_ns(&mut signals, 0)), Ok((3_000_000_000, 7)));
        assert_eq!(set(space, &mut timers, 0, 1, new, old), Ok(0));
        assert_eq!(timers.get(0).map(|timer| timer.remaining_ns(&mut signals, 0)), Ok((2_000_000_000, 7)));
        assert_eq!(space.bytes(64, 32).to_vec(), space.bytes(0, 32));
        assert_eq!(set(space, &mut timers, 1, 0, new, old), Err(Errno::EINVAL.into()));
        assert_eq!(set(space, &mut timers, 0, 0, UserAddress::NULL, old), Err(Errno::EINVAL.into()));
        assert_eq!(set(space, &mut timers, 0, 0, UserAddress(8), old), Err(Errno::EFAULT.into()));
        let clock = &mut Clock::new();
        assert_eq!(timer_gettime(space, &mut timers, &mut signals, clock, 0, old), Ok(0));
        assert_eq!(space.bytes(80, 1), [2]);
        assert_eq!(timer_gettime(space, &mut timers, &mut signals, clock, -1, old), Err(Errno::EINVAL.into()));
        assert_eq!(timer_getoverrun(&mut timers, &mut signals, 0), Ok(0));
        assert_eq!(timer_delete(&mut timers, &mut signals, &mut Threads::new(), 0), Ok(0));
        assert_eq!(timer_delete(&mut timers, &mut signals, &mut Threads::new(), 0), Err(Errno::EINVAL.into()));
    }
}
