//! Capabilities (capabilities(7), include/uapi/linux/capability.h) and what goes with them (include/uapi/linux/securebits.h). A set
//! of them is a word: bit n is capability n.

/// Make any change of owner and group.
pub const CAP_CHOWN: u32 = 0;
/// Use any file in any way, but execute what nobody may.
pub const CAP_DAC_OVERRIDE: u32 = 1;
/// Read any file, search any directory.
pub const CAP_DAC_READ_SEARCH: u32 = 2;
/// Do to any file what its owner may.
pub const CAP_FOWNER: u32 = 3;
/// Keep set-id bits, and set that of any group.
pub const CAP_FSETID: u32 = 4;
/// Send signals to anybody.
pub const CAP_KILL: u32 = 5;
/// Become any group, and be in any.
pub const CAP_SETGID: u32 = 6;
/// Become any user.
pub const CAP_SETUID: u32 = 7;
/// Change sets of capabilities.
pub const CAP_SETPCAP: u32 = 8;
/// Lock memory without a limit.
pub const CAP_IPC_LOCK: u32 = 14;
/// What has no capability of its own: trusted attributes.
pub const CAP_SYS_ADMIN: u32 = 21;
/// Any priority and policy for any thread.
pub const CAP_SYS_NICE: u32 = 23;
/// Raise hard limits.
pub const CAP_SYS_RESOURCE: u32 = 24;
/// Set the time of day.
pub const CAP_SYS_TIME: u32 = 25;
/// Make devices.
pub const CAP_MKNOD: u32 = 27;
/// The highest capability (CAP_CHECKPOINT_RESTORE).
pub const CAP_LAST_CAP: u32 = 40;

/// Every capability.
pub const ALL_CAPABILITIES: u64 = (1 << (CAP_LAST_CAP + 1)) - 1;
/// Those that go and come with the user id for files 0 (CAP_FS_SET: these, and CAP_LINUX_IMMUTABLE, CAP_MKNOD, CAP_MAC_OVERRIDE).
pub const FILE_CAPABILITIES: u64 = 0b1_1111 | 1 << 9 | 1 << CAP_MKNOD | 1 << 32;

/// User 0 has no capabilities of its own.
pub const SECURE_NO_SETUID_FIXUP: u32 = 1 << 2;
/// Becoming nobody of importance keeps the permitted capabilities.
pub const SECURE_KEEP_CAPS: u32 = 1 << 4;
/// No ambient capability can be raised.
pub const SECURE_NO_CAP_AMBIENT_RAISE: u32 = 1 << 6;
/// Every such bit; the one above it says that it is not to change any more.
pub const SECURE_ALL_BITS: u32 = 1 | SECURE_NO_SETUID_FIXUP | SECURE_KEEP_CAPS | SECURE_NO_CAP_AMBIENT_RAISE;

/// What a thread has of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CapabilitySets {
    /// Those that count.
    pub effective: u64,
    /// Those that may.
    pub permitted: u64,
    /// Those that another program may get.
    pub inheritable: u64,
    /// Those that may become inheritable.
    pub bounding: u64,
    /// Those that another program gets.
    pub ambient: u64,
}

impl CapabilitySets {
    /// The superuser's.
    pub const ALL: CapabilitySets = CapabilitySets {
        effective: ALL_CAPABILITIES,
        permitted: ALL_CAPABILITIES,
        inheritable: 0,
        bounding: ALL_CAPABILITIES,
        ambient: 0,
    };
}
