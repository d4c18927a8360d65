//! Who the process is at first: root, a child of process 1, as in a container. AT_UID and its like say the same.

/// The parent process.
pub const PARENT_ID: u32 = 1;
/// The superuser: every user id at first.
pub const USER_ID: u32 = 0;
/// The superuser's group: every group id at first.
pub const GROUP_ID: u32 = 0;
/// In place of an id: leave it as it is. No user and no group has it.
pub const UNCHANGED_ID: u32 = u32::MAX;

/// The user ids of a thread, or its group ids (credentials(7)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ids {
    /// Whose the process is.
    pub real: u32,
    /// Whose rights it has.
    pub effective: u32,
    /// What the effective one may become again.
    pub saved: u32,
    /// Whose rights it has on files.
    pub files: u32,
}

impl Ids {
    /// All four the same.
    pub const fn all(id: u32) -> Ids {
        Ids { real: id, effective: id, saved: id, files: id }
    }
}
