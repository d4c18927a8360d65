//! `rt_sigaction(2)`: <https://man7.org/linux/man-pages/man2/rt_sigaction.2.html>. Supported: everything; unknown flags
//! are cleared, as on Linux. Errors: EINVAL, EFAULT.

use crate::errno::SysResult;
use crate::subsystems::directed_signals::forget_ignored_in_others;
use crate::subsystems::signal_actions::{read_action, tell_action};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(134 => rt_sigaction);

/// Stores the action of `number` at `old_address` and takes the one at `address`, where these are not null.
pub fn rt_sigaction(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    number: i32,
    address: UserAddress,
    old_address: UserAddress,
    set_bytes: usize,
) -> SysResult {
    let (signal, new) = read_action(memory, number, address, set_bytes)?;
    let old = signals.action(signal);
    if let Some(action) = new {
        signals.set_action(thread, signal, action);
        forget_ignored_in_others(signals, threads, signal);
    }
    tell_action(memory, old_address, old)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIG_DFL, SIG_IGN, set_of};
    use crate::outcome::Leave;
    use crate::subsystems::directed_signals::send;
    use crate::subsystems::signal_limit::set_limit;
    use crate::testing_threads::{Step, ThreadMachine};

    /// Wherever it is pending, and not before it is ignored: who only asks changes nothing.
    #[test]
    fn what_is_ignored_is_pending_for_no_thread() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.current().signal_mask = u64::MAX;
        let tids = [2, machine.spawn(0, UserAddress::NULL), machine.spawn(0, UserAddress::NULL)];
        set_limit(6);
        for tid in tids.into_iter().chain(tids) {
            let sent =
                machine.call(|m, thread| send(&mut m.memory, &mut signals, &mut m.threads, &m.clock, thread, tid, 40));
            assert_eq!(sent, Step::Returned(0));
        }
        let place = machine.memory.address(0);
        for (handler, address, is_pending) in
            [(SIG_DFL, place, true), (SIG_IGN, UserAddress::NULL, true), (SIG_IGN, place, false)]
        {
            machine.memory.put(0, &[handler, 0, 0].map(u64::to_le_bytes).concat());
            let set = machine.call(|m, thread| {
                let (threads, null) = (&mut m.threads, UserAddress::NULL);
                let set = rt_sigaction(&mut m.memory, &mut signals, threads, thread, 40, address, null, 8)?;
                Ok(Leave::Return(set))
            });
            let others = [3, 4].map(|tid| machine.threads.find(tid).map(|thread| thread.pending_signals));
            let pending = if is_pending { set_of(40) } else { 0 };
            assert_eq!((set, machine.current().pending_signals, others), {
                (Step::Returned(0), pending, [Some(pending); 2])
            });
            assert_eq!(signals.queue.lines().map(|lines| lines.is_full(0)), Some(is_pending));
        }
        set_limit(1);
        assert!(signals.queue.lines().is_some_and(|lines| !lines.is_full(0)), "nothing is left");
    }
}
