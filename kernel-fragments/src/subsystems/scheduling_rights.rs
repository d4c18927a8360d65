//! Who may give a thread another policy, priority or niceness (kernel/sched/syscalls.c, user_check_sched_setscheduler; kernel/sys.c,
//! set_one_prio). Where nobody is anything but the superuser, nothing of this is left.

use crate::abi::capability::CAP_SYS_NICE;
use crate::abi::credentials::Ids;
use crate::abi::sched::{SCHED_FIFO, SCHED_IDLE, SCHED_RESET_ON_FORK, SCHED_RR, Scheduling};
use crate::errno::{Errno, Refusal};
use crate::subsystems::credentials::{caller_has, noted_limits, users};
use crate::thread::Thread;

/// Whether the caller may give `thread`, whose niceness is `nice`, the scheduling `new` and the niceness `new_nice`.
///
/// # Errors
/// EPERM.
#[inline(always)]
pub fn check_scheduling(thread: &Thread, new: Scheduling, nice: i32, new_nice: i32) -> Result<(), Errno> {
    if caller_has(CAP_SYS_NICE) { Ok(()) } else { check_without(thread, new, nice, new_nice) }
}

#[cold]
#[inline(never)]
fn check_without(thread: &Thread, new: Scheduling, nice: i32, new_nice: i32) -> Result<(), Errno> {
    let plain = |scheduling: Scheduling| scheduling.policy() & !SCHED_RESET_ON_FORK;
    let old = thread.scheduling;
    let priority_limit = noted_limits().1;
    let may = match plain(new) {
        SCHED_FIFO | SCHED_RR => {
            let is_same_policy = plain(new) == plain(old);
            let is_higher = new.priority() > old.priority() && u64::from(new.priority()) > priority_limit;
            (is_same_policy || priority_limit > 0) && !is_higher
        }
        SCHED_IDLE => true, // its niceness is not set (fair_policy)
        _ => new_nice >= nice || may_be(new_nice),
    };
    let stays_idle = plain(old) != SCHED_IDLE || plain(new) == SCHED_IDLE || may_be(nice);
    let resets = old.is_inherited() || !new.is_inherited();
    if may && stays_idle && is_own(thread) && resets { Ok(()) } else { Err(Errno::EPERM) }
}

/// Whether the caller may say on which harts `thread` runs (kernel/sched/syscalls.c, sched_setaffinity).
///
/// # Errors
/// EPERM.
#[inline(always)]
pub fn check_placing(thread: &Thread) -> Result<(), Errno> {
    if caller_has(CAP_SYS_NICE) || is_own(thread) { Ok(()) } else { Err(Errno::EPERM) }
}

/// Whether RLIMIT_NICE allows `nice`.
fn may_be(nice: i32) -> bool {
    u64::try_from(20 - nice).is_ok_and(|needed| needed <= noted_limits().0)
}

/// Whether `thread` is of who calls.
fn is_own(thread: &Thread) -> bool {
    let Ids { real, effective, .. } = thread.credentials.users();
    [effective, real].contains(&users().effective)
}

/// Whether the caller may make itself as nice as `new`, from `old` on.
///
/// # Errors
/// EACCES.
#[inline(always)]
pub fn check_niceness(old: i32, new: i32) -> Result<(), Errno> {
    if caller_has(CAP_SYS_NICE) || new >= old || may_be(new) { Ok(()) } else { Err(Errno::EACCES) }
}

/// What giving process 1 another policy, priority or niceness comes to.
pub fn refuse_parent() -> Refusal {
    if caller_has(CAP_SYS_NICE) { Refusal::Unsupported("the scheduling of process 1") } else { Errno::EPERM.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::rlimit::{RLIMIT_NICE, RLIMIT_RTPRIO};
    use crate::abi::sched::{SCHED_BATCH, SCHED_NORMAL};
    use crate::subsystems::acting::{act_as, act_without_capabilities, note_limit};
    use crate::subsystems::credentials::Credentials;

    fn scheduling(policy: i32, priority: u32) -> Scheduling {
        Scheduling::FIRST.with_policy(policy, priority).expect("it is valid")
    }

    #[test]
    fn without_the_capability() {
        let mut thread = Thread::first();
        let (fifo, idle) = (scheduling(SCHED_FIFO, 5), scheduling(SCHED_IDLE, 0));
        assert_eq!((check_scheduling(&thread, fifo, 0, 0), check_niceness(0, -5)), (Ok(()), Ok(())));
        assert!(matches!(refuse_parent(), Refusal::Unsupported(_)));
        thread.credentials = act_without_capabilities();
        let check = |thread: &Thread, new| check_scheduling(thread, new, 0, 0);
        let denied = Err(Errno::EPERM);
        assert_eq!(refuse_parent(), Errno::EPERM.into());
        assert_eq!((check(&thread, fifo), check(&thread, scheduling(SCHED_BATCH, 0))), (denied, Ok(())));
        assert_eq!((check_niceness(0, -5), check_niceness(0, 5)), (Err(Errno::EACCES), Ok(())));
        assert_eq!(
            [scheduling(SCHED_BATCH, 0), idle].map(|new| check_scheduling(&thread, new, 0, -1)),
            [denied, Ok(())]
        );
        note_limit(RLIMIT_RTPRIO, 5);
        assert_eq!((check(&thread, fifo), check(&thread, scheduling(SCHED_RR, 6))), (Ok(()), denied));
        thread.scheduling = idle;
        assert_eq!((check(&thread, idle), check(&thread, scheduling(SCHED_NORMAL, 0))), (Ok(()), denied));
        note_limit(RLIMIT_NICE, 25);
        assert_eq!((check(&thread, scheduling(SCHED_NORMAL, 0)), check_niceness(0, -5)), (Ok(()), Ok(())));
        thread.scheduling = scheduling(SCHED_BATCH | SCHED_RESET_ON_FORK, 0);
        assert_eq!(check(&thread, scheduling(SCHED_BATCH, 0)), denied, "children may not inherit again");
        assert_eq!(check_placing(&thread), Ok(()));
        let stranger = thread.credentials.identity().with_users(Ids::all(5));
        act_as(Credentials::of(Box::leak(Box::new(stranger))));
        assert_eq!(check_placing(&thread), denied);
        act_as(Credentials::FIRST);
        assert_eq!(check_placing(&thread), Ok(()));
    }
}
