//! Who the process is: root, a child of process 1, as in a container. AT_UID and its like say the same.

/// The parent process.
pub const PARENT_ID: u32 = 1;
/// Real, effective and saved user id.
pub const USER_ID: u32 = 0;
/// Real, effective and saved group id.
pub const GROUP_ID: u32 = 0;
/// In place of an id: leave it as it is.
pub const UNCHANGED_ID: u32 = u32::MAX;
