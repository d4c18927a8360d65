//! Scheduling policies (include/uapi/linux/sched.h).

/// Time sharing: what every thread here has.
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
