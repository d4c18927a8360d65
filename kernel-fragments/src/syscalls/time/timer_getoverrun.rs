//! `timer_getoverrun(2)`: <https://man7.org/linux/man-pages/man2/timer_getoverrun.2.html>. Supported: everything. Errors: EINVAL.

use crate::errno::{Errno, SysResult};
use crate::subsystems::signals::Signals;
use crate::subsystems::timers::Timers;

syscall!(109 => timer_getoverrun);

/// How often timer `id` was due before the signal that was delivered last was taken.
pub fn timer_getoverrun(timers: &mut Timers, signals: &mut Signals, id: i32) -> SysResult {
    let timer = timers.get(id).ok().filter(|timer| timer.id >= 0).ok_or(Errno::EINVAL)?;
    Ok(timer.overruns(signals) as usize)
}
