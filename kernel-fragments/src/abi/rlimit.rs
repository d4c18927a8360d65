//! Numbers of resource limits (include/uapi/asm-generic/resource.h).

/// Bytes of `struct rlimit`, and of `struct rlimit64`: the soft limit, then the hard one.
pub const RLIMIT_BYTES: usize = 16;

/// Seconds of CPU time.
pub const RLIMIT_CPU: u32 = 0;
/// Bytes of a file that is written.
pub const RLIMIT_FSIZE: u32 = 1;
/// Bytes of data and break.
pub const RLIMIT_DATA: u32 = 2;
/// Bytes of the first thread's stack.
pub const RLIMIT_STACK: u32 = 3;
/// Bytes of a core file; none is ever written.
pub const RLIMIT_CORE: u32 = 4;
/// Threads of the user; root has no limit.
pub const RLIMIT_NPROC: u32 = 6;
/// Descriptors: the first number that is not given out.
pub const RLIMIT_NOFILE: u32 = 7;
/// Bytes of locked memory; root has no limit.
pub const RLIMIT_MEMLOCK: u32 = 8;
/// Bytes of address space.
pub const RLIMIT_AS: u32 = 9;
/// Queued signals.
pub const RLIMIT_SIGPENDING: u32 = 11;
/// Bytes in message queues.
pub const RLIMIT_MSGQUEUE: u32 = 12;
/// Highest niceness, turned around.
pub const RLIMIT_NICE: u32 = 13;
/// Highest real-time priority.
pub const RLIMIT_RTPRIO: u32 = 14;
/// Number of resources.
pub const RESOURCES: u32 = 16;
/// No limit.
pub const UNLIMITED: u64 = u64::MAX;
