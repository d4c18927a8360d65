//! `kill(2)`: <https://man7.org/linux/man-pages/man2/kill.2.html>. Supported: this process, its group (0 and its negative id)
//! and everybody (-1: nobody but the caller is there, who is left out, so ESRCH), asking after process 1; not supported:
//! stopping, signals to process 1. Errors: EINVAL, ESRCH, EPERM.

use crate::abi::credentials::PARENT_ID;
use crate::abi::signal::check;
use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::send_to_process;
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::UserMemory;

syscall!(129 => kill);

/// Sends signal `number` to process `pid`; number 0 only checks that it is there.
pub fn kill(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    pid: i32,
    number: i32,
) -> Outcome {
    // Whether somebody is there is known before the number is looked at (kernel/signal.c, kill_pid_info).
    match pid.unsigned_abs() {
        0 | PROCESS_ID => {}
        PARENT_ID if pid == PARENT_ID as i32 => return signal_parent(thread.credentials, number),
        // Any thread's id stands for the process.
        tid if pid > 0 && (tid == thread.tid || threads.find(tid).is_some()) => {}
        _ => return Err(Errno::ESRCH.into()),
    }
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    let info = SignalInfo::sent_by(thread.credentials.users().real, false);
    send_to_process(memory, signals, threads, clock, thread, check(number)?, info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGTERM, set_of};
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    #[test]
    fn any_thread_may_take_it() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        let mut kill = |machine: &mut ThreadMachine, pid, number| {
            machine
                .call(|m, thread| kill(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, pid, number))
        };
        let (own, term) = (PROCESS_ID as i32, SIGTERM as i32);
        assert_eq!(kill(&mut machine, own, 0), Step::Returned(0));
        assert_eq!(kill(&mut machine, own, 65), Step::Failed(Errno::EINVAL));
        for (pid, number) in [(-1, term), (-1, 65), (77, 65), (-77, 0), (i32::MIN, 0), (3, 0)] {
            assert_eq!(kill(&mut machine, pid, number), Step::Failed(Errno::ESRCH), "{pid} {number}");
        }
        assert_eq!(
            (kill(&mut machine, 1, 0), kill(&mut machine, 1, 65)),
            (Step::Returned(0), Step::Failed(Errno::EINVAL))
        );
        machine.current().signal_mask = set_of(SIGTERM);
        assert_eq!(kill(&mut machine, 0, term), Step::Returned(0), "blocked");
        machine.current().signal_mask = 0;
        assert_eq!(machine.spawn(0, UserAddress::NULL), 3);
        assert_eq!(kill(&mut machine, 3, 0), Step::Returned(0), "another thread's id stands for the process");
        assert_eq!(kill(&mut machine, -3, 0), Step::Failed(Errno::ESRCH));
        machine.current().signal_mask = set_of(SIGTERM);
        assert_eq!(kill(&mut machine, own, term), Step::Exited(143), "the other thread does not block it");
    }
}
