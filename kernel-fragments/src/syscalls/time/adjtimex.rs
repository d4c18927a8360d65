//! `adjtimex(2)`: <https://man7.org/linux/man-pages/man2/adjtimex.2.html>. Supported: asking (no modes, ADJ_OFFSET_SS_READ),
//! ADJ_SETOFFSET with or without ADJ_NANO; not supported: the other modes. The clock is never synchronised. Errors: EINVAL, EPERM,
//! EFAULT.

use crate::boot_info::BootInfo;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::adjust;
use crate::subsystems::day_waits::{return_in_time, set_for_all};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(171 => adjtimex);

/// Adjusts the time of day as the `timex` at `address` says, and tells there how it stands.
pub fn adjtimex(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    timers: &mut Timers,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
) -> Outcome {
    let state = adjust(memory, clock, boot, address, |clock, time_ns| {
        set_for_all(clock, descriptors, signals, threads, timers, boot, time_ns)
    })?;
    Ok(return_in_time(timers, threads, clock, thread, state))
}
