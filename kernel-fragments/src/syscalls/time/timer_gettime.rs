//! `timer_gettime(2)`: <https://man7.org/linux/man-pages/man2/timer_gettime.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::abi::itimerspec::TimerSetting;
use crate::errno::{Errno, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::signals::Signals;
use crate::subsystems::timers::Timers;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(108 => timer_gettime);

/// Stores at `address` what remains of timer `id`, and its interval.
pub fn timer_gettime(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    signals: &mut Signals,
    clock: &mut Clock,
    id: i32,
    address: UserAddress,
) -> SysResult {
    let timer = timers.get(id).ok().filter(|timer| timer.id >= 0).ok_or(Errno::EINVAL)?;
    let (value_ns, interval_ns) = timer.remaining_ns(signals, clock.now_ns());
    TimerSetting { interval_ns, value_ns }.write(memory, address)?;
    Ok(0)
}
