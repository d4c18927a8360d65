//! `rt_tgsigqueueinfo(2)`: <https://man7.org/linux/man-pages/man2/rt_tgsigqueueinfo.2.html>. Supported: threads of this process,
//! everything but stopping. Errors: EFAULT, EINVAL, EPERM, ESRCH, EAGAIN.

use crate::abi::signal_info::SignalInfo;
use crate::errno::Errno;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::{check_source, send_with};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{PROCESS_ID, Thread};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(240 => rt_tgsigqueueinfo);

/// Sends signal `number` with the `siginfo_t` at `info` to thread `tid` of process `pid`.
pub fn rt_tgsigqueueinfo(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    pid: i32,
    tid: i32,
    number: i32,
    info: UserAddress,
) -> Outcome {
    let info = SignalInfo::read(memory, info)?;
    if pid <= 0 || tid <= 0 {
        return Err(Errno::EINVAL.into());
    }
    check_source(thread, tid, info)?;
    if pid as u32 != PROCESS_ID {
        return Err(Errno::ESRCH.into());
    }
    send_with(memory, signals, threads, clock, thread, tid as u32, number, info)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SI_TKILL, SIGTERM, set_of};
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn to_one_thread() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.current().signal_mask = set_of(SIGTERM);
        let info = SignalInfo { code: SI_TKILL, words: [9, 9] };
        let at = machine.memory.address(0);
        info.write(&mut machine.memory, at, 0).expect("there is room");
        machine.spawn(0, UserAddress::NULL);
        let mut call = |pid, tid, number| {
            machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                rt_tgsigqueueinfo(memory, &mut signals, threads, clock, thread, pid, tid, number, at)
            })
        };
        assert_eq!(call(2, 2, SIGTERM as i32), Step::Returned(0));
        assert_eq!(
            (call(2, 3, 0), call(2, 7, 0)),
            (Step::Failed(Errno::EPERM), Step::Failed(Errno::EPERM)),
            "pretence"
        );
        assert_eq!(call(3, 2, 0), Step::Failed(Errno::ESRCH));
        assert_eq!((call(0, 2, 0), call(2, 2, 65)), (Step::Failed(Errno::EINVAL), Step::Failed(Errno::EINVAL)));
        assert_eq!(signals.take(machine.current(), u64::MAX).map(|taken| taken.info), Some(info));
    }
}
