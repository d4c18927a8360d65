//! `rt_sigqueueinfo(2)`: <https://man7.org/linux/man-pages/man2/rt_sigqueueinfo.2.html>. Supported: this process,
//! asking after process 1; not supported: stopping, signals to process 1. Errors: EFAULT, EINVAL, EPERM, ESRCH, EAGAIN.

use crate::abi::credentials::PARENT_ID;
use crate::abi::signal::check;
use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::{check_source, send_to_process};
use crate::subsystems::parent::signal_parent;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(138 => rt_sigqueueinfo);

/// Sends signal `number` with the `siginfo_t` at `info` to process `pid`.
pub fn rt_sigqueueinfo(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    pid: i32,
    number: i32,
    info: UserAddress,
) -> Outcome {
    let info = SignalInfo::read(memory, info)?;
    check_source(thread, pid, info)?;
    if pid == PARENT_ID as i32 {
        return signal_parent(thread.credentials, number);
    }
    // Any thread's id stands for the process.
    let is_other = pid != PROCESS_ID as i32 && pid != thread.tid as i32;
    if is_other && threads.find(pid.cast_unsigned()).is_none() {
        return Err(Errno::ESRCH.into());
    }
    if number == 0 {
        return Ok(Leave::Return(0));
    }
    send_to_process(memory, signals, threads, clock, thread, check(number)?, info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::set_of;
    use crate::abi::signal_info::SI_QUEUE;
    use crate::subsystems::signals::Taken;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn values_arrive_in_order() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.current().signal_mask = set_of(40);
        let told = |value| SignalInfo { code: SI_QUEUE, words: [2, value] };
        let at = machine.memory.address(0);
        for value in [5, 6] {
            told(value).write(&mut machine.memory, at, 40).expect("there is room");
            let step = machine.call(|m, thread| {
                rt_sigqueueinfo(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, 2, 40, at)
            });
            assert_eq!(step, Step::Returned(0));
        }
        for value in [5, 6] {
            assert_eq!(signals.take(machine.current(), u64::MAX), Some(Taken { signal: 40, info: told(value) }));
        }
        for (pid, number, address, errno) in
            [(2, 40, UserAddress(8), Errno::EFAULT), (2, 65, at, Errno::EINVAL), (77, 40, at, Errno::ESRCH)]
        {
            let step = machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                rt_sigqueueinfo(memory, &mut signals, threads, clock, thread, pid, number, address)
            });
            assert_eq!(step, Step::Failed(errno));
        }
    }
}
