//! What `sched_setattr` and `sched_getattr` do once they know the thread (kernel/sched/syscalls.c). Who is preferred by
//! priorities is the scheduler's business.

use crate::abi::sched::{SCHED_DEADLINE, SCHED_FIFO, SCHED_IDLE, SCHED_RESET_ON_FORK, SCHED_RR};
use crate::abi::sched_attr::{Attributes, CLAMPS, KEEP_PARAMETERS, KEEP_POLICY, KNOWN_FLAGS, RESET_ON_FORK};
use crate::errno::{Errno, Refusal};
use crate::subsystems::niceness::Niceness;
use crate::subsystems::scheduling_rights::check_scheduling;
use crate::thread::Thread;

/// How long a turn of time sharing is on one processor (sysctl_sched_base_slice).
const SLICE_NS: u64 = 750_000;

/// What `thread` has.
pub fn attributes_of(thread: &Thread, niceness: &Niceness) -> Attributes {
    let all = thread.scheduling.policy();
    let policy = all & !SCHED_RESET_ON_FORK;
    let flags = if all == policy { 0 } else { RESET_ON_FORK };
    if matches!(policy, SCHED_FIFO | SCHED_RR) {
        return Attributes { policy, flags, priority: thread.scheduling.priority(), ..Attributes::default() };
    }
    Attributes { policy, flags, nice: niceness.value, runtime_ns: SLICE_NS, ..Attributes::default() }
}

/// Gives them to `thread`.
///
/// # Errors
/// EINVAL, EPERM. Unsupported: deadlines, clamps, turns of another length.
pub fn set_attributes(thread: &mut Thread, niceness: &mut Niceness, wanted: Attributes) -> Result<(), Refusal> {
    let old = attributes_of(thread, niceness);
    let policy = if wanted.flags & KEEP_POLICY != 0 { old.policy } else { wanted.policy };
    if wanted.flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL.into());
    }
    if policy == SCHED_DEADLINE || wanted.flags & CLAMPS != 0 {
        return Err(Refusal::Unsupported("SCHED_DEADLINE, or clamps of a thread's utilisation"));
    }
    let parameters = if wanted.flags & KEEP_PARAMETERS != 0 { old } else { wanted };
    let is_real_time = matches!(policy, SCHED_FIFO | SCHED_RR);
    let resets = if wanted.flags & RESET_ON_FORK != 0 { SCHED_RESET_ON_FORK } else { 0 };
    let scheduling = thread.scheduling.with_policy(policy | resets, parameters.priority)?;
    // Of the idle ones it is not looked at (fair_policy).
    let is_fair = !is_real_time && policy != SCHED_IDLE;
    if is_fair && !matches!(parameters.runtime_ns, 0 | SLICE_NS) {
        return Err(Refusal::Unsupported("turns of another length"));
    }
    let new_nice = if is_fair { parameters.nice } else { niceness.value };
    check_scheduling(thread, scheduling, niceness.value, new_nice)?;
    thread.scheduling = scheduling;
    if is_fair {
        niceness.value = parameters.nice;
    }
    Ok(())
}
