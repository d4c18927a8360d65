//! `kill(2)`: <https://man7.org/linux/man-pages/man2/kill.2.html>, where there is only one thread. Supported: this process,
//! its group (0 and its negative id) and everybody (-1: nobody but the caller is there, who is left out, so ESRCH), asking after
//! process 1; not supported: stopping, signals to process 1. Errors: EINVAL, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::signal::check;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::thread::{PROCESS_ID, Thread};

syscall!(129 => kill, single_thread);

/// Sends signal `number` to process `pid`; number 0 only checks that it is there.
pub fn kill(signals: &mut Signals, thread: &mut Thread, pid: i32, number: i32) -> Outcome {
    // Whether somebody is there is known before the number is looked at (kernel/signal.c, kill_pid_info).
    match pid.unsigned_abs() {
        0 | PROCESS_ID => {}
        PARENT_ID if pid == PARENT_ID as i32 => return signal_parent(thread.credentials, number),
        _ => return Err(Errno::ESRCH.into()),
    }
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    signals.send_to_process(thread, check(number)?)?;
    signals.settle(thread, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::SIGTERM;

    #[test]
    fn default_actions_and_errors() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        let own = PROCESS_ID as i32;
        let mut kill = |pid, number| kill(&mut signals, &mut thread, pid, number);
        for pid in [own, 0, -own] {
            assert_eq!(kill(pid, 0), Ok(Leave::Return(0)));
            assert_eq!(kill(pid, SIGTERM as i32), Ok(Leave::Exit(143)));
        }
        assert_eq!(kill(own, 65), Err(Errno::EINVAL.into()));
        assert_eq!((kill(99, 65), kill(1, 65)), (Err(Errno::ESRCH.into()), Err(Errno::EINVAL.into())));
        assert_eq!(kill(1, 0), Ok(Leave::Return(0)));
        for pid in [99, -1, -99, i32::MIN] {
            assert_eq!(kill(pid, SIGTERM as i32), Err(Errno::ESRCH.into()));
        }
    }
}
