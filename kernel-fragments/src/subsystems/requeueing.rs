//! Threads that wait for one futex and are to wait for another (`FUTEX_REQUEUE` and `FUTEX_CMP_REQUEUE` of `futex(2)`).

use crate::subsystems::parked_thread::ThreadQueue;
use crate::subsystems::threads::{NEVER, Threads};
use crate::thread::{MOVED, Thread, Wait};
use crate::user_memory::UserAddress;

/// Lets up to `limit` threads that wait for the futex at `from` wait for the one at `to` instead, behind those who
/// do already; returns how many. Where both are one, all keep their places (kernel/futex/requeue.c, requeue_futex).
pub fn requeue_waiters(threads: &mut Threads, from: UserAddress, to: UserAddress, limit: u32) -> u32 {
    let mut moved = ThreadQueue::new();
    let mut count = 0;
    let is_meant = |thread: &Thread| matches!(thread.wait, Wait::Futex(at, _) if at == from);
    if from == to {
        return (threads.waiting.iter().filter(|thread| is_meant(thread)).count() as u32).min(limit);
    }
    while count < limit {
        let Some(mut waiter) = threads.waiting.take(is_meant) else { break };
        let thread = waiter.get_mut();
        if let Wait::Futex(_, bits) = thread.wait {
            thread.wait = Wait::Futex(to, bits);
            let ends_ns = thread.wait_ends_ns;
            thread.wait_ends_ns = if ends_ns == NEVER { MOVED | from.0 as u64 } else { ends_ns };
        }
        moved.push(waiter);
        count += 1;
    }
    while let Some(waiter) = moved.pop() {
        threads.real_time.move_waiting(&mut threads.waiting, waiter);
    }
    count
}
