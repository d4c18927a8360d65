//! `timerfd_settime(2)`: <https://man7.org/linux/man-pages/man2/timerfd_create.2.html>. Supported: TFD_TIMER_ABSTIME,
//! TFD_TIMER_CANCEL_ON_SET. Errors: EBADF, EFAULT, EINVAL, ECANCELED.

use crate::abi::itimerspec::TimerSetting;
use crate::abi::timespec::CLOCK_REALTIME;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::File;
use crate::subsystems::timer_file::{OnSet, timer_of};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(86 => timerfd_settime);

const TFD_TIMER_ABSTIME: u32 = 1;
const TFD_TIMER_CANCEL_ON_SET: u32 = 2;

/// Sets the timer `fd` as the `itimerspec` at `address` says and stores what it was at `old_address`, unless null.
pub fn timerfd_settime(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    fd: Fd,
    flags: u32,
    address: UserAddress,
    old_address: UserAddress,
) -> SysResult {
    let setting = TimerSetting::read(memory, address)?;
    if flags & !(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let timer = timer_of(descriptors.get(fd)?)?;
    timer.pass_time(clock.now_ns());
    let (value_ns, interval_ns) = timer.remaining_ns(clock.now_ns());
    let due_ns = match setting.value_ns {
        0 => None,
        value_ns if flags & TFD_TIMER_ABSTIME == 0 => Some(clock.after_ns(value_ns).cast_signed()),
        value_ns => Some(clock.around_boot_ns(boot, ClockKind::of(timer.clock, thread)?, value_ns)),
    };
    // Also who disarms it is told of what he asked to be told (fs/timerfd.c, timerfd_setup_cancel).
    let is_absolute = flags & TFD_TIMER_ABSTIME != 0 && timer.clock == CLOCK_REALTIME;
    let on_set = if flags & TFD_TIMER_CANCEL_ON_SET != 0 { OnSet::Cancels } else { OnSet::Moves };
    timer.arm(due_ns, setting.interval_ns, is_absolute.then_some(on_set));
    // It is set all the same.
    if due_ns.is_some() && timer.take_canceled() {
        return Err(Errno::ECANCELED.into());
    }
    if !old_address.is_null() {
        TimerSetting { interval_ns, value_ns }.write(memory, old_address)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::time::timerfd_create::timerfd_create;
    use crate::syscalls::time::timerfd_gettime::timerfd_gettime;
    use crate::testing::FakeMemory;

    #[test]
    fn relative_and_absolute() {
        let (mut memory, mut descriptors, mut clock) = (FakeMemory::new(128), Descriptors::new(), Clock::new());
        let boot = BootInfo { start_time_ns: 1_000_000_000, ..BootInfo::default() };
        let mut thread = Thread::first();
        assert_eq!(timerfd_create(&mut descriptors, 0, 0), Ok(3));
        let new = memory.put(0, &[0, 7, 3, 0u64].map(u64::to_le_bytes).concat());
        let (old, null) = (memory.address(64), UserAddress::NULL);
        let mut set = |memory: &mut FakeMemory, descriptors: &mut Descriptors, fd, flags, old| {
            timerfd_settime(memory, descriptors, &mut clock, &boot, &mut thread, Fd(fd), flags, new, old)
        };
        assert_eq!(set(&mut memory, &mut descriptors, 3, 0, null), Ok(0));
        assert_eq!(set(&mut memory, &mut descriptors, 3, 3, old), Ok(0));
        assert_eq!(memory.bytes(64, 32).to_vec(), memory.bytes(0, 32));
        assert_eq!(set(&mut memory, &mut descriptors, 3, 4, old), Err(Errno::EINVAL.into()));
        assert_eq!(set(&mut memory, &mut descriptors, 1, 0, old), Err(Errno::EINVAL.into()));
        assert_eq!(set(&mut memory, &mut descriptors, 9, 0, old), Err(Errno::EBADF.into()));
        let clock = &mut Clock::new();
        assert_eq!(timerfd_gettime(&mut memory, &mut descriptors, clock, Fd(3), old), Ok(0));
        assert_eq!(memory.bytes(80, 1), [2]);
    }
}
