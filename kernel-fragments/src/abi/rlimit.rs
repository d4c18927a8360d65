//! Resource limits (include/uapi/asm-generic/resource.h).

/// Bytes of `struct rlimit`: the soft limit, then the hard one.
pub const RLIMIT_BYTES: usize = 16;
/// Bytes of stack.
pub const RLIMIT_STACK: u32 = 3;
/// Number of open descriptors.
pub const RLIMIT_NOFILE: u32 = 7;
/// Number of resources.
pub const RESOURCES: u32 = 16;
/// No limit.
pub const UNLIMITED: u64 = u64::MAX;
