//! `tgkill(2)`: <https://man7.org/linux/man-pages/man2/tgkill.2.html>. Supported: everything; not supported: stopping, signals to process 1.
//! Errors: EINVAL, ESRCH, EPERM, EAGAIN.

use crate::abi::credentials::PARENT_ID;
use crate::errno::Errno;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::send;
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;

syscall!(131 => tgkill);

/// Sends signal `number` to thread `tid` of process `pid`; number 0 only checks that it is there.
pub fn tgkill(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    pid: i32,
    tid: i32,
    number: i32,
) -> Outcome {
    if pid <= 0 || tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    if (pid as u32, tid as u32) == (PARENT_ID, PARENT_ID) {
        return signal_parent(thread.credentials, number);
    }
    if pid as u32 != PROCESS_ID {
        return Err(Errno::ESRCH.into());
    }
    send(memory, signals, threads, clock, thread, tid as u32, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{Action, SA_RESTART, SIGABRT, set_of};
    use crate::subsystems::requeueing::requeue_waiters;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::Wait;
    use crate::thread::{PC, Unfinished};
    use crate::user_memory::UserAddress;

    #[test]
    fn names_process_and_thread() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let mut kill = |pid, tid, number| {
            machine.call(|m, thread| {
                tgkill(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, pid, tid, number)
            })
        };
        assert_eq!(kill(2, 3, 0), Step::Returned(0));
        assert_eq!(kill(3, 3, 0), Step::Failed(Errno::ESRCH));
        assert_eq!(kill(2, 4, 0), Step::Failed(Errno::ESRCH));
        assert_eq!(kill(0, 3, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(kill(2, 3, SIGABRT as i32), Step::Exited(134));
    }

    const HANDLER: u64 = 0x4000;
    const SIGUSR1: u32 = 10;
    /// No flag of an action: the thread is moved to other futexes meanwhile.
    const REQUEUED: u64 = 2;

    /// Thread 3 waits by `wait`, then the first one sends it a signal whose handler has `flags`: what its a0 is then, and
    /// how far its pc went.
    fn interrupted(flags: u64, wait: impl FnOnce(&mut ThreadMachine, &mut Thread) -> Outcome) -> (i64, i64) {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        signals.set_action(machine.current(), SIGUSR1, Action { handler: HANDLER, flags, mask: 0 });
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        let pc = machine.current().frame.x[PC];
        assert_eq!(machine.call(wait), Step::Switched(2, 0));
        if flags & REQUEUED != 0 {
            assert_eq!(requeue_waiters(&mut machine.threads, UserAddress(64), UserAddress(128), 1), 1);
            assert_eq!(requeue_waiters(&mut machine.threads, UserAddress(128), UserAddress(72), 1), 1);
        }
        let step = machine.call(|m, thread| {
            tgkill(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, 2, 3, SIGUSR1 as i32)
        });
        assert_eq!(step, Step::Returned(0));
        let Step::Switched(3, a0) = machine.yield_now() else { panic!("it does not run") };
        assert_eq!(machine.current().pending_signals, set_of(SIGUSR1), "delivered when its frame is loaded");
        assert_eq!(machine.memory.bytes(0, 1), if flags == 1 { [9] } else { [0] });
        (a0, machine.current().frame.x[PC] as i64 - pc as i64)
    }

    /// signal(7), "Interruption of system calls and library functions by signal handlers".
    #[test]
    fn handlers_end_waits() {
        let futex = |deadline| {
            move |m: &mut ThreadMachine, thread: &mut Thread| {
                Ok(m.threads.wait(thread, Wait::Futex(UserAddress(64), 1), deadline))
            }
        };
        let event = |m: &mut ThreadMachine, thread: &mut Thread| {
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(m.threads.wait_for_event(thread, 77, [].into_iter(), unfinished))
        };
        assert_eq!(interrupted(0, futex(None)), (-4, 4));
        assert_eq!(interrupted(SA_RESTART, futex(None)), (64, 0), "made again");
        assert_eq!(interrupted(SA_RESTART | REQUEUED, futex(None)), (64, 0), "where it was asked for");
        assert_eq!(interrupted(SA_RESTART, futex(Some(1 << 40))), (-4, 4), "not with a timeout");
        assert_eq!(interrupted(SA_RESTART | REQUEUED, futex(Some(1 << 40))), (-4, 4));
        assert_eq!(interrupted(0, event), (-4, 4));
        assert_eq!(interrupted(SA_RESTART, event), (77, 0));
        let sleep = |m: &mut ThreadMachine, thread: &mut Thread| {
            let (deadline, remaining) = (m.clock.after_ns(9_000_010_000), m.memory.address(0));
            Ok(m.threads.wait(thread, Wait::Sleep(remaining), Some(deadline)))
        };
        assert_eq!(interrupted(1, sleep), (-4, 4), "and 9 seconds are left");
    }
}
