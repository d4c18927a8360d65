//! Priorities (sched(7)): of the threads that are ready, the most important one runs next, and of those that wait for a futex the one that
//! was the most important when it began to wait is woken first; equal ones in the order in which they came. No thread is interrupted:
//! one that makes a more important one ready goes on until it waits or yields, and an owner inherits nothing from who waits for it.
//!
//! Once a thread has a priority, the scheduler's short ways are closed by a deadline that has passed already: they know none. Kernels
//! whose program cannot give a thread a priority have `no_real_time.rs` in place of this file.

use crate::errno::Refusal;
use crate::subsystems::parked_thread::{ParkedThread, ThreadQueue};
use crate::subsystems::thread_by_id::thread_by_id;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Wait};

/// Whether there are priorities.
pub struct RealTime {
    is_on: bool,
}

/// 0 for threads that share time, else 1–99.
fn priority(thread: &Thread) -> u32 {
    thread.scheduling.priority()
}

impl RealTime {
    /// Nobody has a priority.
    pub const fn new() -> RealTime {
        RealTime { is_on: false }
    }

    /// Whether any thread ever had a priority.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Takes out who is to run next: of the most important ones, the one that is ready for longest.
    #[inline]
    pub fn pop_ready(&self, ready: &mut ThreadQueue) -> Option<ParkedThread> {
        if self.is_on { pop_most_important(ready) } else { ready.pop() }
    }

    /// Puts `thread` where it waits: behind those that were as important when they began to wait (kernel/futex/core.c,
    /// __futex_queue).
    #[inline]
    pub fn push_waiting(&self, waiting: &mut ThreadQueue, thread: ParkedThread) {
        if self.is_on { push_by_importance(waiting, thread, true) } else { waiting.push(thread) }
    }

    /// Puts `thread`, which waits already, where it waits from now on, as important as it was.
    #[inline]
    pub fn move_waiting(&self, waiting: &mut ThreadQueue, thread: ParkedThread) {
        if self.is_on { push_by_importance(waiting, thread, false) } else { waiting.push(thread) }
    }
}

#[cold]
#[inline(never)]
fn pop_most_important(ready: &mut ThreadQueue) -> Option<ParkedThread> {
    let highest = ready.iter().map(priority).max()?;
    ready.take(|thread| priority(thread) == highest)
}

#[cold]
#[inline(never)]
fn push_by_importance(waiting: &mut ThreadQueue, mut thread: ParkedThread, begins: bool) {
    let scheduling = &mut thread.get_mut().scheduling;
    if begins {
        *scheduling = scheduling.waiting();
    }
    let own = scheduling.wait_priority();
    waiting.insert(thread, |other| other.scheduling.wait_priority() < own);
}

/// Has `set` change the policy of thread `tid` (0: the caller), and puts that thread where its priority belongs.
///
/// # Errors
/// ESRCH if there is none, and those of `set`.
pub fn set_scheduling<T>(
    threads: &mut Threads,
    caller: &mut Thread,
    tid: i32,
    set: impl FnOnce(&mut Thread) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let thread = thread_by_id(threads, caller, tid)?;
    let (tid, old) = (thread.tid, priority(thread));
    let result = set(thread)?;
    let new = priority(thread);
    if new != old {
        threads.priority_was_set(tid, old, new);
    }
    Ok(result)
}

impl Threads {
    /// The priority of thread `tid` was `old`, and is `new`.
    fn priority_was_set(&mut self, tid: u32, old: u32, new: u32) {
        // Whoever waits already began to wait with none, as it says.
        self.real_time.is_on = true;
        self.next_deadline_ns = 0;
        if let Some(thread) = self.ready.take(|thread| thread.tid == tid) {
            // Behind its equals if it became more important, before them otherwise (kernel/sched/syscalls.c, ENQUEUE_HEAD).
            self.ready.insert(thread, |_| new < old);
        }
        // Who waits to own a futex is moved; who waits for a wake stays where it is (rt_mutex_adjust_pi).
        let waits_to_own = |thread: &Thread| thread.tid == tid && matches!(thread.wait, Wait::OwnFutex(_));
        if let Some(thread) = self.waiting.take(waits_to_own) {
            self.real_time.push_waiting(&mut self.waiting, thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::abi::futex::{FUTEX_LOCK_PI, FUTEX_REQUEUE, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAKE};
    use crate::abi::sched::{SCHED_FIFO, SCHED_NORMAL};
    use crate::outcome::Leave;
    use crate::subsystems::niceness::Niceness;
    use crate::syscalls::thread::sched_setscheduler::sched_setscheduler;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::PROCESS_ID;
    use crate::user_memory::UserAddress;

    const PRIORITY_AT: usize = 256;

    fn set(machine: &mut ThreadMachine, tid: u32, priority: u8) {
        let at = machine.memory.put(PRIORITY_AT, &[priority, 0, 0, 0]);
        let policy = if priority > 0 { SCHED_FIFO } else { SCHED_NORMAL };
        let step = machine.call(|m, thread| {
            let (memory, threads, niceness) = (&mut m.memory, &mut m.threads, &mut Niceness::new());
            sched_setscheduler(memory, niceness, threads, thread, tid as i32, policy, at).map(Leave::Return)
        });
        assert_eq!(step, Step::Returned(0));
    }

    /// Threads 3, 4 and 5 beside the first one, with these priorities.
    fn with_priorities(priorities: [u8; 3]) -> ThreadMachine {
        let mut machine = ThreadMachine::new();
        for priority in priorities {
            let tid = machine.spawn(0, UserAddress::NULL);
            set(&mut machine, tid, priority);
        }
        machine
    }

    fn runs(machine: &mut ThreadMachine, order: &[u32]) {
        for &tid in order {
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
        }
    }

    #[test]
    fn the_most_important_one_runs() {
        let mut machine = with_priorities([1, 2, 2]);
        runs(&mut machine, &[4, 5, 4, 5]);
        // Who alone is the most important one goes on by itself, however often it yields.
        set(&mut machine, 4, 1);
        runs(&mut machine, &[5, 5]);
        // What became less important comes first among its equals, what became more important last.
        set(&mut machine, 5, 1);
        runs(&mut machine, &[4, 3, 5, 4]);
        set(&mut machine, 5, 3);
        set(&mut machine, 3, 3);
        runs(&mut machine, &[5, 3, 5]);
        for tid in [3, 4, 5] {
            set(&mut machine, tid, 0);
        }
        runs(&mut machine, &[4, 3, 2, 5]);
    }

    #[test]
    fn the_most_important_one_is_woken() {
        let mut machine = with_priorities([1, 3, 2]);
        assert_eq!(machine.yield_now(), Step::Switched(4, 0));
        for (word, next) in [(0, 5), (8, 3), (0, PROCESS_ID)] {
            assert_eq!(machine.futex(word, FUTEX_WAIT, 0), Step::Switched(next, 0));
        }
        // What a thread is now does not matter.
        set(&mut machine, 3, 9);
        let step = machine.futex_with(8, FUTEX_REQUEUE, 0, UserAddress(1), 0, 0);
        assert_eq!(step, Step::Returned(1), "it comes between the others");
        for tid in [4, 5, 3] {
            assert_eq!(machine.futex(0, FUTEX_WAKE, 1), Step::Returned(1));
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
            assert_eq!(machine.futex(16, FUTEX_WAIT, 0), Step::Switched(PROCESS_ID, 0));
        }
    }

    #[test]
    fn the_most_important_one_owns() {
        let mut machine = with_priorities([1, 3, 2]);
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Returned(0));
        assert_eq!(machine.yield_now(), Step::Switched(4, 0));
        for next in [5, 3, PROCESS_ID] {
            assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Switched(next, 0));
        }
        set(&mut machine, 4, 1);
        for tid in [5, 3, 4] {
            assert_eq!(machine.futex(0, FUTEX_UNLOCK_PI, 0), Step::Returned(0));
            let step = machine.futex(16, FUTEX_WAIT, 0);
            assert_eq!(step, Step::Switched(tid, 0), "of the two equal ones the one that was there");
        }
    }
}
