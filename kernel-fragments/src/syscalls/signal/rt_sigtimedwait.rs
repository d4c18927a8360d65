//! `rt_sigtimedwait(2)`: <https://man7.org/linux/man-pages/man2/rt_sigtimedwait.2.html>. Supported: everything. Errors: EINVAL,
//! EFAULT, EAGAIN, EINTR.

use crate::abi::signal::{SET_BYTES, UNBLOCKABLE};
use crate::abi::timespec::read_timespec;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(137 => rt_sigtimedwait);

/// Takes one of the pending signals of the set at `address`, stores its `siginfo_t` at `info` (unless null) and returns its
/// number. Waits until there is one for at most the time at `timeout`, for ever if that is null.
pub fn rt_sigtimedwait(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    address: UserAddress,
    info: UserAddress,
    timeout: UserAddress,
    set_bytes: usize,
) -> Outcome {
    let mut unfinished = thread.resume_call();
    if set_bytes != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let set = memory.read_u64(address)? & !UNBLOCKABLE;
    if !unfinished.is_waiting && !timeout.is_null() {
        unfinished.deadline_ns = Some(clock.after_ns(read_timespec(memory, timeout)?));
    }
    if let Some((signal, _)) = signals.next(thread, set)
        && let Some(taken) = signals.take(thread, set)
    {
        if !info.is_null() {
            taken.info.write(memory, info, signal)?;
        }
        return Ok(Leave::Return(signal as usize));
    }
    if unfinished.deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns()) {
        return Err(Errno::EAGAIN.into());
    }
    match signals.settle(thread, (Errno::EINTR.0 as usize).wrapping_neg())? {
        Leave::Return(_) => {
            thread.awaited_signals = set;
            let unfinished = Unfinished { takes_signals: true, ..unfinished };
            Ok(threads.wait_for_event(thread, address.0 as u64, core::iter::empty(), unfinished))
        }
        interrupted => Ok(interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGTERM, set_of};
    use crate::syscalls::signal::tkill::tkill;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn takes_what_is_blocked_and_waits_for_it() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.current().signal_mask = set_of(SIGTERM);
        machine.spawn(0, UserAddress::NULL);
        let set = machine.memory.put(0, &set_of(SIGTERM).to_le_bytes());
        let (info, time) = (machine.memory.address(512), machine.put_time(16, 5_000_000));
        let wait = |machine: &mut ThreadMachine, signals: &mut Signals, timeout, bytes| {
            machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                rt_sigtimedwait(memory, signals, threads, clock, thread, set, info, timeout, bytes)
            })
        };
        assert_eq!(wait(&mut machine, &mut signals, time, 4), Step::Failed(Errno::EINVAL));
        assert_eq!(wait(&mut machine, &mut signals, time, 8), Step::Switched(3, 0));
        let step = machine.call(|m, thread| {
            tkill(&mut m.memory, &mut signals, &mut m.threads, &mut m.clock, thread, 2, SIGTERM as i32)
        });
        assert_eq!(step, Step::Returned(0));
        assert_eq!(machine.yield_now(), Step::Switched(2, set.0 as i64));
        assert_eq!(wait(&mut machine, &mut signals, time, 8), Step::Returned(SIGTERM as usize));
        assert_eq!(machine.memory.bytes(512, 1)[0], SIGTERM as u8);
        assert_eq!(machine.current().awaited_signals, 0);
        assert_eq!(wait(&mut machine, &mut signals, time, 8), Step::Switched(3, 0));
        let step = machine.call(|m, thread| Ok(m.threads.exit(thread, 0)));
        assert_eq!(step, Step::Switched(2, set.0 as i64));
        assert_eq!(wait(&mut machine, &mut signals, time, 8), Step::Failed(Errno::EAGAIN));
    }
}
