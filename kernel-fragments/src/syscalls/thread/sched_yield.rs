//! `sched_yield(2)`: <https://man7.org/linux/man-pages/man2/sched_yield.2.html>. Supported: everything. Errors: none.

use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use core::ptr::NonNull;

syscall!(124 => sched_yield);

turn!(take_turns);

/// What most calls come to: somebody is ready, and nobody's time has come.
pub fn take_turns(threads: &mut Threads, clock: &mut Clock, thread: &mut Thread) -> Option<NonNull<Thread>> {
    threads.take_turns(clock, thread)
}

/// Lets the other ready threads run first, and timers that are due.
pub fn sched_yield(threads: &mut Threads, timers: &mut Timers, clock: &mut Clock) -> Outcome {
    Ok(if threads.is_alone() && !timers.are_due(threads, clock) { Leave::Return(0) } else { Leave::Yield })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;

    #[test]
    fn lets_others_run() {
        let mut machine = ThreadMachine::new();
        let yield_now =
            |m: &mut ThreadMachine, _: &mut Thread| sched_yield(&mut m.threads, &mut Timers::new(), &mut m.clock);
        assert_eq!(machine.call(yield_now), Step::Returned(0));
        machine.spawn(0, UserAddress::NULL);
        assert_eq!(machine.call(yield_now), Step::Switched(3, 0));
        assert_eq!(machine.call(yield_now), Step::Switched(2, 0));
        assert_eq!(machine.call(yield_now), Step::Switched(3, 0));
    }

    #[test]
    fn timers_are_served() {
        let mut machine = ThreadMachine::new();
        machine.threads.set_alarm(Some(machine.clock.next_step_ns()));
        let yield_now =
            |m: &mut ThreadMachine, _: &mut Thread| sched_yield(&mut m.threads, &mut Timers::new(), &mut m.clock);
        assert_eq!(machine.call(yield_now), Step::Returned(0));
        machine.clock.step();
        assert_eq!(machine.call(yield_now), Step::Stopped(Stop::Deadlock), "the alarm comes before any thread");
    }

    #[test]
    fn takes_turns() {
        let mut machine = ThreadMachine::new();
        let turn = |m: &mut ThreadMachine, thread: &mut Thread| take_turns(&mut m.threads, &mut m.clock, thread);
        assert_eq!(machine.turn(turn), None, "nobody else is there");
        for tid in 3..6 {
            machine.spawn(0, UserAddress::NULL);
            // All go on in the order in which they came, however they yield.
            for next in (3..=tid).chain([2]) {
                assert_eq!(machine.turn(turn), Some(Step::Switched(next, 0)));
            }
            for next in (3..=tid).chain([2]) {
                assert_eq!(machine.yield_now(), Step::Switched(next, 0));
            }
        }
        machine.threads.set_alarm(Some(machine.clock.next_step_ns()));
        assert_eq!(machine.turn(turn), None, "an alarm is due");
    }
}
