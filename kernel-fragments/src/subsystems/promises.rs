//! What the process promised and asked for by `prctl`. Nobody but itself ever sees the effect: it has no parent that could die, no
//! children, and is not dumped.

/// A thread's slack from the start, in nanoseconds (init/init_task.c).
pub const TIMER_SLACK_NS: u64 = 50_000;

/// All of it.
#[derive(Debug)]
pub struct Promises {
    /// It gets no rights by `execve`.
    pub no_new_privileges: bool,
    /// It is not dumped; so it is at the latest when it becomes somebody else.
    pub is_not_dumpable: bool,
    /// It keeps its capabilities when it becomes somebody else, which it never does; where it can, its identity says that.
    pub keeps_capabilities: bool,
    /// It takes care of orphans.
    pub is_subreaper: bool,
    /// It wants no huge pages.
    pub has_no_huge_pages: bool,
    /// What it is sent when its parent dies.
    pub parent_death_signal: u32,
    /// How late its timers may be.
    pub timer_slack_ns: u64,
}

impl Promises {
    /// Nothing.
    pub const fn new() -> Promises {
        Promises {
            no_new_privileges: false,
            is_not_dumpable: false,
            keeps_capabilities: false,
            is_subreaper: false,
            has_no_huge_pages: false,
            parent_death_signal: 0,
            timer_slack_ns: TIMER_SLACK_NS,
        }
    }
}
