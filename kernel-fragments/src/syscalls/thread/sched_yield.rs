//! `sched_yield(2)`: <https://man7.org/linux/man-pages/man2/sched_yield.2.html>. Supported: everything. Errors: none.

use crate::outcome::{Leave, Outcome};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;

syscall!(124 => sched_yield);

/// Lets the other ready threads run first.
pub fn sched_yield(threads: &mut Threads, thread: &mut Thread) -> Outcome {
    Ok(if threads.is_alone() { Leave::Return(0) } else { threads.yield_now(thread) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    #[test]
    fn lets_others_run() {
        let mut machine = ThreadMachine::new();
        let yield_now = |m: &mut ThreadMachine, thread: &mut Thread| sched_yield(&mut m.threads, thread);
        assert_eq!(machine.call(yield_now), Step::Returned(0));
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(machine.call(yield_now), Step::Switched(3, 0));
        assert_eq!(machine.call(yield_now), Step::Switched(2, 0));
    }
}
