//! What `clock_adjtime` and `adjtimex` do to the time of day.

use crate::abi::timex::{Adjustment, NANOSECONDS, NOT_SYNCHRONISED, READ_SINGLE_SHOT, SET_OFFSET, write_state};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::time_of_day::set;
use crate::user_memory::{UserAddress, UserMemory};

/// Makes the adjustment at `address`, and tells there how the clock stands.
///
/// # Errors
/// EFAULT, EINVAL. Unsupported: a clock that runs at another speed.
pub fn adjust(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    boot: &BootInfo,
    address: UserAddress,
) -> SysResult {
    let Adjustment { modes, time: [seconds, part] } = Adjustment::read(memory, address)?;
    match modes {
        0 | READ_SINGLE_SHOT => {}
        _ if modes & !NANOSECONDS == SET_OFFSET => {
            let (end, unit_ns) = if modes & NANOSECONDS != 0 { (1_000_000_000, 1) } else { (1_000_000, 1000) };
            if !(0..end).contains(&part) {
                return Err(Errno::EINVAL.into());
            }
            let offset_ns = i128::from(seconds) * 1_000_000_000 + i128::from(part * unit_ns);
            let time_ns = u64::try_from(i128::from(clock.realtime_ns(boot)) + offset_ns).map_err(|_| Errno::EINVAL)?;
            set(clock, descriptors, boot, time_ns)?;
        }
        _ => return Err(Refusal::Unsupported("adjusting how fast the clock runs, or what is told of it")),
    }
    write_state(memory, address, clock.realtime_ns(boot))?;
    Ok(NOT_SYNCHRONISED)
}
