//! Scheduling policies (include/uapi/linux/sched.h), and what one thread has of them.

use crate::errno::{Errno, Refusal};

/// Time sharing: what every thread has at first.
pub const SCHED_NORMAL: i32 = 0;
/// Real time, in order.
pub const SCHED_FIFO: i32 = 1;
/// Real time, in turns.
pub const SCHED_RR: i32 = 2;
/// Time sharing without interaction.
pub const SCHED_BATCH: i32 = 3;
/// Time sharing behind all others.
pub const SCHED_IDLE: i32 = 5;
/// Real time by deadlines.
pub const SCHED_DEADLINE: i32 = 6;
/// By a scheduler that was loaded (Linux 6.12).
pub const SCHED_EXT: i32 = 7;

/// Whether `policy` exists, and whether it is one of the two with priorities, which are 1–99; the others have 0 only.
pub const fn has_priorities(policy: i32) -> Option<bool> {
    match policy {
        SCHED_FIFO | SCHED_RR => Some(true),
        SCHED_NORMAL | SCHED_BATCH | SCHED_IDLE | SCHED_DEADLINE | SCHED_EXT => Some(false),
        _ => None,
    }
}

/// Time slices of SCHED_RR (kernel/sched/rt.c, RR_TIMESLICE).
pub const RR_SLICE_NS: u64 = 100_000_000;

/// New threads do not inherit a real-time policy; may be added to the policy.
pub const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;

/// A thread's policy and priority, in one word: every new thread gets a copy. They are kept and told: no thread of this kernel
/// is preferred, none is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    /// The policy and the priority; negative with [`SCHED_RESET_ON_FORK`].
    word: i32,
}

/// Where the priority is in that word; no policy is as large.
const PRIORITY_SHIFT: i32 = 8;

impl Scheduling {
    /// What the first thread starts with.
    pub const FIRST: Scheduling = Scheduling { word: SCHED_NORMAL };

    const fn new(policy: i32, priority: u32) -> Scheduling {
        let resets = if policy & SCHED_RESET_ON_FORK != 0 { i32::MIN } else { 0 };
        Scheduling { word: policy & !SCHED_RESET_ON_FORK | (priority as i32) << PRIORITY_SHIFT | resets }
    }

    /// What a new thread of one that has this gets (kernel/sched/core.c, sched_fork).
    #[inline(always)]
    pub fn of_child(self) -> Scheduling {
        if self.word < 0 { self.after_reset() } else { self }
    }

    /// Whether [`of_child`](Self::of_child) changes nothing.
    pub fn is_inherited(self) -> bool {
        self.word >= 0
    }

    #[cold]
    #[inline(never)]
    fn after_reset(self) -> Scheduling {
        let policy = self.plain_policy();
        if has_priorities(policy) == Some(true) { Scheduling::FIRST } else { Scheduling::new(policy, 0) }
    }

    fn plain_policy(self) -> i32 {
        self.word & ((1 << PRIORITY_SHIFT) - 1)
    }

    /// The policy, as `sched_setscheduler` takes it.
    pub fn policy(self) -> i32 {
        self.plain_policy() | if self.word < 0 { SCHED_RESET_ON_FORK } else { 0 }
    }

    /// The priority: 0 but with the two policies that have priorities.
    pub fn priority(self) -> u32 {
        (self.word & i32::MAX) as u32 >> PRIORITY_SHIFT
    }

    /// How long the thread may run when it is its turn, in nanoseconds: time sharing's slices are less than a tick.
    pub fn slice_ns(self) -> u64 {
        if self.plain_policy() == SCHED_RR { RR_SLICE_NS } else { 0 }
    }

    /// With another policy and priority (kernel/sched/syscalls.c, __sched_setscheduler; the caller is the superuser).
    ///
    /// # Errors
    /// EINVAL: there is no such policy, or the priority is not one of it. Unsupported: SCHED_EXT.
    pub fn with_policy(policy: i32, priority: u32) -> Result<Scheduling, Refusal> {
        let plain = policy & !SCHED_RESET_ON_FORK;
        let is_valid = match has_priorities(plain) {
            Some(true) => matches!(priority, 1..=99),
            // Deadlines cannot be told by this call (__checkparam_dl).
            Some(false) => priority == 0 && plain != SCHED_DEADLINE,
            None => false,
        };
        match plain {
            _ if !is_valid => Err(Errno::EINVAL.into()),
            SCHED_EXT => Err(Refusal::Unsupported("SCHED_EXT: a scheduler that was loaded")),
            _ => Ok(Scheduling::new(policy, priority)),
        }
    }

    /// With another priority. Errors as [`with_policy`](Self::with_policy).
    pub fn with_priority(self, priority: u32) -> Result<Scheduling, Refusal> {
        Scheduling::with_policy(self.policy(), priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_may_start_anew() {
        let scheduling = |policy, priority| Scheduling::with_policy(policy, priority).expect("it is valid");
        let fifo = scheduling(SCHED_FIFO, 7);
        assert_eq!(fifo.of_child(), fifo);
        assert_eq!(scheduling(SCHED_FIFO | SCHED_RESET_ON_FORK, 7).of_child(), Scheduling::FIRST);
        assert_eq!(scheduling(SCHED_BATCH | SCHED_RESET_ON_FORK, 0).of_child(), scheduling(SCHED_BATCH, 0));
        assert_eq!(fifo.with_priority(9), Ok(scheduling(SCHED_FIFO, 9)));
        assert_eq!((fifo.slice_ns(), scheduling(SCHED_RR, 1).slice_ns()), (0, RR_SLICE_NS));
    }

    #[test]
    fn what_is_no_policy() {
        for (policy, priority) in [(SCHED_NORMAL, 1), (SCHED_FIFO, 0), (SCHED_RR, 100), (SCHED_DEADLINE, 0), (4, 0)] {
            assert_eq!(Scheduling::with_policy(policy, priority), Err(Errno::EINVAL.into()), "{policy}");
        }
        assert!(matches!(Scheduling::with_policy(SCHED_EXT, 0), Err(Refusal::Unsupported(_))));
    }
}
