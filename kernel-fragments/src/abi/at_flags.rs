//! The directory and the flags of the `…at` calls (include/uapi/linux/fcntl.h).

use crate::register::Fd;

/// In place of a directory: the working directory.
pub const AT_FDCWD: Fd = Fd(-100);
/// A symbolic link itself is meant.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// `faccessat2`: ask for the effective user.
pub const AT_EACCESS: u32 = 0x200;
/// `unlinkat`: remove a directory.
pub const AT_REMOVEDIR: u32 = 0x200;
/// `linkat`: the target of a symbolic link is meant.
pub const AT_SYMLINK_FOLLOW: u32 = 0x400;
/// Do not mount anything on the way: nothing is ever mounted here.
pub const AT_NO_AUTOMOUNT: u32 = 0x800;
/// An empty path means the descriptor itself.
pub const AT_EMPTY_PATH: u32 = 0x1000;
/// `statx`: how fresh the answer must be; always is.
pub const AT_STATX_SYNC_TYPE: u32 = 0x6000;
