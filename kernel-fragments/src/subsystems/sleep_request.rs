//! What `clock_nanosleep` is asked for, in its checks' order (kernel/time/posix-timers.c).

use crate::abi::timespec::{
    CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_THREAD_CPUTIME_ID, TIMER_ABSTIME,
    read_timespec,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

/// When a sleep by clock `id` with `flags` and the time at `address` ends, in nanoseconds since boot; and whether that is when a time of
/// day comes.
///
/// # Errors
/// EINVAL: no such clock, or no valid time. EOPNOTSUPP: a clock by which nobody can sleep. EFAULT. Unsupported: sleeping
/// by CPU time.
pub fn sleep_deadline_ns(
    memory: &impl UserMemory,
    clock: &Clock,
    boot: &BootInfo,
    thread: &Thread,
    id: i32,
    flags: u32,
    address: UserAddress,
) -> Result<(u64, bool), Refusal> {
    let kind = ClockKind::of(id, thread)?;
    if let CLOCK_THREAD_CPUTIME_ID | CLOCK_MONOTONIC_RAW | CLOCK_REALTIME_COARSE | CLOCK_MONOTONIC_COARSE = id {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let time_ns = read_timespec(memory, address)?;
    match kind {
        ClockKind::ThreadCpu => Err(Errno::EINVAL.into()),
        ClockKind::ProcessCpu => Err(Refusal::Unsupported("sleeping by CPU time")),
        _ if flags & TIMER_ABSTIME == 0 => Ok((clock.after_ns(time_ns), kind.moves(id, false))),
        _ => Ok((clock.since_boot_ns(boot, kind, time_ns), kind.moves(id, true))),
    }
}
