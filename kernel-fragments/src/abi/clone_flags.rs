//! Flags of `clone` (include/uapi/linux/sched.h).

/// Same memory.
pub const CLONE_VM: u32 = 0x100;
/// Same working directory, root and umask.
pub const CLONE_FS: u32 = 0x200;
/// Same descriptors.
pub const CLONE_FILES: u32 = 0x400;
/// Same signal actions.
pub const CLONE_SIGHAND: u32 = 0x800;
/// A descriptor for the child.
pub const CLONE_PIDFD: u32 = 0x1000;
/// The parent waits until the child has exited.
pub const CLONE_VFORK: u32 = 0x4000;
/// Same process.
pub const CLONE_THREAD: u32 = 0x1_0000;
/// New mount namespace.
pub const CLONE_NEWNS: u32 = 0x2_0000;
/// The child's thread pointer is given.
pub const CLONE_SETTLS: u32 = 0x8_0000;
/// Store the child's id for the parent.
pub const CLONE_PARENT_SETTID: u32 = 0x10_0000;
/// Clear a word and wake its waiter when the child exits.
pub const CLONE_CHILD_CLEARTID: u32 = 0x20_0000;
/// Store the child's id for the child.
pub const CLONE_CHILD_SETTID: u32 = 0x100_0000;
/// New namespaces: cgroup, UTS, IPC, user, process, network.
pub const CLONE_NEW_REST: u32 = 0x7e00_0000;

/// What a thread cannot have here.
pub const CLONE_UNSUPPORTED: u32 = CLONE_PIDFD | CLONE_VFORK | CLONE_NEWNS | CLONE_NEW_REST;
