//! `timerfd_gettime(2)`: <https://man7.org/linux/man-pages/man2/timerfd_create.2.html>. Supported: everything. Errors: EBADF,
//! EFAULT, EINVAL.

use crate::abi::itimerspec::TimerSetting;
use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::File;
use crate::subsystems::timer_file::timer_of;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(87 => timerfd_gettime);

/// Stores at `address` what remains of the timer `fd`, and its interval.
pub fn timerfd_gettime(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    fd: Fd,
    address: UserAddress,
) -> SysResult {
    let timer = timer_of(descriptors.get(fd)?)?;
    timer.pass_time(clock.now_ns());
    let (value_ns, interval_ns) = timer.remaining_ns(clock.now_ns());
    TimerSetting { interval_ns, value_ns }.write(memory, address)?;
    Ok(0)
}
