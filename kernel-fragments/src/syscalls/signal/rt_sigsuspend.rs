//! `rt_sigsuspend(2)`: <https://man7.org/linux/man-pages/man2/rt_sigsuspend.2.html>. Supported: everything. Errors: EINVAL,
//! EFAULT, EINTR.

use crate::abi::signal::{SET_BYTES, UNBLOCKABLE};
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(133 => rt_sigsuspend);

/// Blocks the signals at `address` and no others until a handler was called, which goes back to the mask before.
pub fn rt_sigsuspend(
    memory: &mut impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    address: UserAddress,
    set_bytes: usize,
) -> Outcome {
    let unfinished = thread.resume_call();
    if !unfinished.is_waiting {
        if set_bytes != SET_BYTES {
            return Err(Errno::EINVAL.into());
        }
        let mask = memory.read_u64(address)? & !UNBLOCKABLE;
        thread.mask_to_restore = Some(thread.signal_mask);
        thread.signal_mask = mask;
    }
    match signals.settle(thread, (Errno::EINTR.0 as usize).wrapping_neg())? {
        Leave::Return(_) => Ok(threads.wait_for_event(thread, address.0 as u64, core::iter::empty(), unfinished)),
        interrupted => Ok(interrupted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{Action, SIGTERM, set_of};
    use crate::testing_threads::{Step, ThreadMachine};

    fn suspend(machine: &mut ThreadMachine, signals: &mut Signals, address: UserAddress, bytes: usize) -> Step {
        machine.call(|m, thread| rt_sigsuspend(&mut m.memory, signals, &mut m.threads, thread, address, bytes))
    }

    #[test]
    fn a_pending_signal_ends_it_and_the_old_mask_comes_back() {
        let (mut machine, mut signals) = (ThreadMachine::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let mask = machine.memory.address(0);
        assert_eq!(suspend(&mut machine, &mut signals, mask, 4), Step::Failed(Errno::EINVAL));
        assert_eq!(suspend(&mut machine, &mut signals, UserAddress(8), 8), Step::Failed(Errno::EFAULT));
        assert_eq!(suspend(&mut machine, &mut signals, mask, 8), Step::Switched(3, 0), "nothing is pending");
        assert_eq!(suspend(&mut machine, &mut signals, mask, 4), Step::Failed(Errno::EINVAL));

        let action = Action { handler: 0x4000, flags: 0, mask: 0 };
        let thread = machine.current();
        signals.set_action(thread, SIGTERM, action);
        thread.signal_mask = set_of(SIGTERM);
        assert_eq!(signals.send_to_thread(thread, SIGTERM), Ok(()));
        assert_eq!(suspend(&mut machine, &mut signals, mask, 8), Step::Switched(3, -4));
        assert_eq!(machine.current().mask_to_restore, Some(set_of(SIGTERM)));
    }
}
