//! What `clock_settime`, `settimeofday`, `clock_adjtime` and `adjtimex` are asked to do to the time of day.

use crate::abi::capability::CAP_SYS_TIME;
use crate::abi::timespec::{CLOCK_REALTIME, read_timespec};
use crate::abi::timex::{Adjustment, NANOSECONDS, NOT_SYNCHRONISED, READ_SINGLE_SHOT, SET_OFFSET, write_state};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::credentials::caller_has;
use crate::subsystems::time_of_day::check;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

/// The bits of the old form of the call (ADJ_OFFSET_SINGLESHOT), and those of one that is wrong.
const OLD_FORM: u32 = 0x8001;
const WRONG_OLD_FORM: u32 = 0x8000;

/// Makes the adjustment at `address`, and tells there how the clock stands. `set` sets the time of day.
///
/// # Errors
/// EFAULT, EINVAL, EPERM. Unsupported: a clock that runs at another speed.
pub fn adjust(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    boot: &BootInfo,
    address: UserAddress,
    set: impl FnOnce(&mut Clock, u64) -> Result<(), Errno>,
) -> SysResult {
    let Adjustment { modes, time: [seconds, part] } = Adjustment::read(memory, address)?;
    match modes {
        0 | READ_SINGLE_SHOT => {}
        // What is wrong with the old form shows first (kernel/time/timekeeping.c, timekeeping_validate_timex).
        _ if modes & OLD_FORM != WRONG_OLD_FORM && !caller_has(CAP_SYS_TIME) => return Err(Errno::EPERM.into()),
        _ if modes & !NANOSECONDS == SET_OFFSET => {
            let (end, unit_ns) = if modes & NANOSECONDS != 0 { (1_000_000_000, 1) } else { (1_000_000, 1000) };
            if !(0..end).contains(&part) {
                return Err(Errno::EINVAL.into());
            }
            let offset_ns = i128::from(seconds) * 1_000_000_000 + i128::from(part * unit_ns);
            let time_ns = u64::try_from(i128::from(clock.realtime_ns(boot)) + offset_ns).map_err(|_| Errno::EINVAL)?;
            set(clock, time_ns)?;
        }
        _ => return Err(Refusal::Unsupported("adjusting how fast the clock runs, or what is told of it")),
    }
    write_state(memory, address, clock.realtime_ns(boot))?;
    Ok(NOT_SYNCHRONISED)
}

/// Checks that clock `id` can be adjusted as the `timex` at `address` says.
///
/// # Errors
/// EFAULT. EINVAL: no such clock. EOPNOTSUPP: not the time of day.
pub fn check_clock(memory: &impl UserMemory, thread: &Thread, id: i32, address: UserAddress) -> Result<(), Refusal> {
    Adjustment::read(memory, address)?;
    match id {
        CLOCK_REALTIME => Ok(()),
        _ => Err(ClockKind::of(id, thread).err().unwrap_or(Errno::EOPNOTSUPP.into())),
    }
}

/// What `clock_settime` sets the time of day to: the time at `address`, if `id` says so.
///
/// # Errors
/// EFAULT. EINVAL, EPERM: another clock.
pub fn time_to_set(memory: &impl UserMemory, thread: &Thread, id: i32, address: UserAddress) -> Result<u64, Refusal> {
    if id > CLOCK_REALTIME {
        return Err(Errno::EINVAL.into());
    }
    let time_ns = read_timespec(memory, address)?;
    if id < 0 {
        // Processor time is nobody's to set (kernel/time/posix-cpu-timers.c, posix_cpu_clock_set).
        return Err(ClockKind::of(id, thread).err().unwrap_or(Errno::EPERM.into()));
    }
    Ok(time_ns)
}

/// Minutes west that no zone is beyond.
const MOST_MINUTES: i32 = 15 * 60;

/// What `settimeofday` sets the time of day to: the `timeval` at `address`. It and the time zone at `zone_address` may be null.
///
/// # Errors
/// EFAULT, EINVAL, EPERM. Unsupported: a time zone other than UTC.
pub fn time_with_zone(
    memory: &impl UserMemory,
    address: UserAddress,
    zone_address: UserAddress,
) -> Result<Option<u64>, Refusal> {
    let time = if address.is_null() { None } else { Some(memory.read_pair(address)?) };
    if let Some([_, microseconds]) = time
        && microseconds > 1_000_000
    {
        return Err(Errno::EINVAL.into());
    }
    let zone = if zone_address.is_null() { 0 } else { memory.read_u64(zone_address)? };
    if time.is_some_and(|[seconds, microseconds]| seconds > i64::MAX as u64 || microseconds == 1_000_000) {
        return Err(Errno::EINVAL.into());
    }
    let time_ns = time.map(|[seconds, part]| seconds.saturating_mul(1_000_000_000).saturating_add(part * 1000));
    check(time_ns)?;
    let minutes = zone as i32;
    if !(-MOST_MINUTES..=MOST_MINUTES).contains(&minutes) {
        return Err(Errno::EINVAL.into());
    }
    if zone != 0 {
        return Err(Refusal::Unsupported("a time zone other than UTC"));
    }
    Ok(time_ns)
}
