//! `tkill(2)`: <https://man7.org/linux/man-pages/man2/tkill.2.html>, where there is only one thread. Supported: everything
//! but stopping. Errors: EINVAL, ESRCH, EPERM, EAGAIN.

use crate::abi::credentials::PARENT_ID;
use crate::abi::signal::check;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::thread::Thread;

syscall!(130 => tkill, single_thread);

/// Sends signal `number` to thread `tid`; number 0 only checks that it is there.
pub fn tkill(signals: &mut Signals, thread: &mut Thread, tid: i32, number: i32) -> Outcome {
    if tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid as u32 == PARENT_ID {
        return signal_parent(thread.credentials, number);
    }
    if tid as u32 != thread.tid {
        return Err(Errno::ESRCH.into());
    }
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    signals.send_to_thread(thread, check(number)?)?;
    signals.settle(thread, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGABRT, SIGCHLD};

    #[test]
    fn default_actions_and_errors() {
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        let own = thread.tid as i32;
        let mut kill = |tid, number| tkill(&mut signals, &mut thread, tid, number);
        assert_eq!(kill(own, 0), Ok(Leave::Return(0)));
        assert_eq!(kill(own, SIGCHLD as i32), Ok(Leave::Return(0)));
        assert_eq!(kill(own, SIGABRT as i32), Ok(Leave::Exit(134)));
        assert_eq!(kill(own, 65), Err(Errno::EINVAL.into()));
        assert_eq!(kill(own, -1), Err(Errno::EINVAL.into()));
        assert_eq!(kill(own + 1, SIGABRT as i32), Err(Errno::ESRCH.into()));
        assert_eq!(kill(0, SIGABRT as i32), Err(Errno::EINVAL.into()));
    }
}
