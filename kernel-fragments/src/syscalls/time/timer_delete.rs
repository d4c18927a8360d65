//! `timer_delete(2)`: <https://man7.org/linux/man-pages/man2/timer_delete.2.html>. Supported: everything. Errors: EINVAL.

use crate::errno::{Errno, SysResult};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;

syscall!(111 => timer_delete);

/// Forgets timer `id`.
pub fn timer_delete(timers: &mut Timers, signals: &mut Signals, threads: &mut Threads, id: i32) -> SysResult {
    if id < 0 {
        return Err(Errno::EINVAL.into());
    }
    timers.remove(signals, threads, id)?;
    Ok(0)
}
