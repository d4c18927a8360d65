//! `tgkill(2)`: <https://man7.org/linux/man-pages/man2/tgkill.2.html>. Supported: everything but stopping,
//! and interrupting a thread that waits.
//! Errors: EINVAL, ESRCH, EAGAIN.

use crate::errno::Errno;
use crate::outcome::Outcome;
use crate::subsystems::directed_signals::send;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};

syscall!(131 => tgkill);

/// Sends signal `number` to thread `tid` of process `pid`; number 0 only checks that it is there.
pub fn tgkill(
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    pid: i32,
    tid: i32,
    number: i32,
) -> Outcome {
    if pid <= 0 || tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if pid as u32 != PROCESS_ID {
        return Err(Errno::ESRCH.into());
    }
    send(signals, threads, thread, tid as u32, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::SIGABRT;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    #[test]
    fn names_process_and_thread() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let mut kill =
            |pid, tid, number| machine.call(|m, thread| tgkill(&mut signals, &mut m.threads, thread, pid, tid, number));
        assert_eq!(kill(2, 3, 0), Step::Returned(0));
        assert_eq!(kill(3, 3, 0), Step::Failed(Errno::ESRCH));
        assert_eq!(kill(2, 4, 0), Step::Failed(Errno::ESRCH));
        assert_eq!(kill(0, 3, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(kill(2, 3, SIGABRT as i32), Step::Exited(134));
    }
}
