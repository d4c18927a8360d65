//! `getitimer(2)`: <https://man7.org/linux/man-pages/man2/getitimer.2.html>. Supported: everything. Errors: EINVAL, EFAULT.

use crate::abi::itimerspec::TimerSetting;
use crate::errno::{Errno, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::signal_timer::REAL_TIMER;
use crate::subsystems::signals::Signals;
use crate::subsystems::timers::Timers;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(102 => getitimer);

/// Stores at `address` what remains of timer `which`, and its interval.
pub fn getitimer(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    signals: &mut Signals,
    clock: &mut Clock,
    which: i32,
    address: UserAddress,
) -> SysResult {
    let (value_ns, interval_ns) = match which {
        0 => timers.get(REAL_TIMER).map_or((0, 0), |timer| timer.remaining_ns(signals, clock.now_ns())),
        1 | 2 => (0, 0), // they cannot be armed
        _ => return Err(Errno::EINVAL.into()),
    };
    TimerSetting { interval_ns, value_ns }.write_microseconds(memory, address)?;
    Ok(0)
}
