//! What `clock_adjtime` and `adjtimex` do to the time of day.

use crate::abi::capability::CAP_SYS_TIME;
use crate::abi::timex::{Adjustment, NANOSECONDS, NOT_SYNCHRONISED, READ_SINGLE_SHOT, SET_OFFSET, write_state};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::time_of_day::set;
use crate::user_memory::{UserAddress, UserMemory};

/// The bits of the old form of the call (ADJ_OFFSET_SINGLESHOT), and those of one that is wrong.
const OLD_FORM: u32 = 0x8001;
const WRONG_OLD_FORM: u32 = 0x8000;

/// Makes the adjustment at `address`, and tells there how the clock stands.
///
/// # Errors
/// EFAULT, EINVAL, EPERM. Unsupported: a clock that runs at another speed.
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
        // What is wrong with the old form shows first (kernel/time/timekeeping.c, timekeeping_validate_timex).
        _ if modes & OLD_FORM != WRONG_OLD_FORM && !caller_has(CAP_SYS_TIME) => return Err(Errno::EPERM.into()),
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
