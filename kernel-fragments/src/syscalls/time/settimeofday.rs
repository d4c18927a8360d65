//! `settimeofday(2)`: <https://man7.org/linux/man-pages/man2/gettimeofday.2.html>. Supported: the time; not supported: a time zone other
//! than UTC. Errors: EINVAL, EFAULT, EPERM.

use crate::boot_info::BootInfo;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::time_with_zone;
use crate::subsystems::day_waits::{return_in_time, set_for_all};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(170 => settimeofday);

/// Sets the time of day to the `timeval` at `address`, and the time zone to the one at `zone_address`, where these are not null.
pub fn settimeofday(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    timers: &mut Timers,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
    zone_address: UserAddress,
) -> Outcome {
    if let Some(time_ns) = time_with_zone(memory, address, zone_address)? {
        set_for_all(clock, descriptors, signals, threads, timers, boot, time_ns)?;
    }
    Ok(return_in_time(timers, threads, clock, thread, 0))
}
