//! `tkill(2)`: <https://man7.org/linux/man-pages/man2/tkill.2.html>. Supported: everything; not supported: stopping, signals to process 1.
//! Errors: EINVAL, ESRCH, EPERM, EAGAIN.

use crate::abi::credentials::PARENT_ID;
use crate::errno::Errno;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::send;
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::UserMemory;

syscall!(130 => tkill);

/// Sends signal `number` to thread `tid`; number 0 only checks that it is there.
pub fn tkill(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    tid: i32,
    number: i32,
) -> Outcome {
    if tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if tid as u32 == PARENT_ID {
        return signal_parent(thread.credentials, number);
    }
    send(memory, signals, threads, clock, thread, tid as u32, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGABRT, SIGCHLD, SIGTERM, set_of};
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    #[test]
    fn to_others() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.current().signal_mask = set_of(SIGTERM);
        machine.spawn(0, UserAddress::NULL);
        let mut kill = |tid, number: u32| {
            machine.call(|m, thread| {
                tkill(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, tid, number as i32)
            })
        };
        for (tid, number, step) in [
            (2, 0, Step::Returned(0)),
            (3, 0, Step::Returned(0)),
            (4, 0, Step::Failed(Errno::ESRCH)),
            (-1, 0, Step::Failed(Errno::EINVAL)),
            (3, 65, Step::Failed(Errno::EINVAL)),
            (3, SIGCHLD, Step::Returned(0)),
            (3, SIGTERM, Step::Returned(0)),
            (3, SIGABRT, Step::Exited(134)),
            (2, SIGABRT, Step::Exited(134)),
        ] {
            assert_eq!(kill(tid, number), step, "{tid} {number}");
        }
        let pending = machine.threads.find(3).map(|thread| thread.pending_signals & set_of(SIGTERM));
        assert_eq!(pending, Some(set_of(SIGTERM)), "it blocks what its parent did");
    }
}
