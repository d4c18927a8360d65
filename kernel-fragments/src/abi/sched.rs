//! Scheduling policies (include/uapi/linux/sched.h), and what one thread has of them.

use crate::abi::mempolicy::Policy;
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

/// A thread's policy and priority, the priority with which it began to wait, and its memory policy, in one word: every new thread gets a
/// copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scheduling {
    /// All of them, by the constants below; negative with [`SCHED_RESET_ON_FORK`].
    word: i32,
}

/// Where the priority is in that word; no policy is as large.
const PRIORITY_SHIFT: i32 = 3;
/// Where the one is with which the thread began to wait; no priority is as large.
const WAITING_SHIFT: i32 = 10;
/// Where the memory policy is.
const MEMORY_SHIFT: i32 = 17;
const PRIORITY_BITS: i32 = 0x7f;
const MEMORY_BITS: i32 = 0x3ff;

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
        let reset = if has_priorities(policy) == Some(true) { Scheduling::FIRST } else { Scheduling::new(policy, 0) };
        reset.with_memory_policy(self.memory_policy())
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
        (self.word >> PRIORITY_SHIFT & PRIORITY_BITS) as u32
    }

    /// The priority with which the thread began to wait.
    pub fn wait_priority(self) -> u32 {
        (self.word >> WAITING_SHIFT & PRIORITY_BITS) as u32
    }

    /// This one of a thread that begins to wait.
    pub fn waiting(self) -> Scheduling {
        let word = self.word & !(PRIORITY_BITS << WAITING_SHIFT);
        Scheduling { word: word | (self.priority() as i32) << WAITING_SHIFT }
    }

    /// On which nodes the thread's memory is to lie.
    pub fn memory_policy(self) -> Policy {
        Policy::of_bits((self.word >> MEMORY_SHIFT & MEMORY_BITS) as u16)
    }

    /// With another memory policy.
    pub fn with_memory_policy(self, policy: Policy) -> Scheduling {
        Scheduling { word: self.word & !(MEMORY_BITS << MEMORY_SHIFT) | i32::from(policy.bits()) << MEMORY_SHIFT }
    }

    /// How long the thread may run when it is its turn, in nanoseconds: time sharing's slices are less than a tick.
    pub fn slice_ns(self) -> u64 {
        if self.plain_policy() == SCHED_RR { RR_SLICE_NS } else { 0 }
    }

    /// This one with another policy and priority (kernel/sched/syscalls.c, __sched_setscheduler); who may is
    /// not asked here.
    ///
    /// # Errors
    /// EINVAL: there is no such policy, or the priority is not one of it. Unsupported: SCHED_EXT.
    pub fn with_policy(self, policy: i32, priority: u32) -> Result<Scheduling, Refusal> {
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
            _ => {
                let waiting = self.word & PRIORITY_BITS << WAITING_SHIFT;
                let Scheduling { word } = Scheduling::new(policy, priority).with_memory_policy(self.memory_policy());
                Ok(Scheduling { word: word | waiting })
            }
        }
    }

    /// With another priority. Errors as [`with_policy`](Self::with_policy).
    pub fn with_priority(self, priority: u32) -> Result<Scheduling, Refusal> {
        self.with_policy(self.policy(), priority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_may_start_anew() {
        let scheduling = |policy, priority| Scheduling::FIRST.with_policy(policy, priority).expect("it is valid");
        let fifo = scheduling(SCHED_FIFO, 7);
        assert_eq!(fifo.of_child(), fifo);
        assert_eq!(scheduling(SCHED_FIFO | SCHED_RESET_ON_FORK, 7).of_child(), Scheduling::FIRST);
        assert_eq!(scheduling(SCHED_BATCH | SCHED_RESET_ON_FORK, 0).of_child(), scheduling(SCHED_BATCH, 0));
        assert_eq!(fifo.with_priority(9), Ok(scheduling(SCHED_FIFO, 9)));
        assert_eq!((fifo.slice_ns(), scheduling(SCHED_RR, 1).slice_ns()), (0, RR_SLICE_NS));
    }

    #[test]
    fn memory_policies_stay() {
        let memory = Policy::of_bits(0x3ff);
        let fifo = Scheduling::FIRST.with_memory_policy(memory).with_policy(SCHED_FIFO | SCHED_RESET_ON_FORK, 99);
        let fifo = fifo.expect("it is valid").waiting();
        assert_eq!(fifo.with_priority(7).map(|one| (one.priority(), one.wait_priority())), Ok((7, 99)));
        assert_eq!((fifo.priority(), fifo.policy()), (99, SCHED_FIFO | SCHED_RESET_ON_FORK));
        assert_eq!((fifo.memory_policy(), fifo.of_child().memory_policy()), (memory, memory));
        assert_eq!(fifo.of_child().with_memory_policy(Policy::DEFAULT), Scheduling::FIRST);
    }

    #[test]
    fn what_is_no_policy() {
        for (policy, priority) in [(SCHED_NORMAL, 1), (SCHED_FIFO, 0), (SCHED_RR, 100), (SCHED_DEADLINE, 0), (4, 0)] {
            assert_eq!(Scheduling::FIRST.with_policy(policy, priority), Err(Errno::EINVAL.into()), "{policy}");
        }
        assert!(matches!(Scheduling::FIRST.with_policy(SCHED_EXT, 0), Err(Refusal::Unsupported(_))));
    }
}
