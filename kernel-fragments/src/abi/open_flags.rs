//! Flags of `open(2)` and its family, and the status flags of an open file (include/uapi/asm-generic/fcntl.h).

#![allow(missing_docs)] // the names are Linux's

pub const O_RDONLY: u32 = 0;
pub const O_WRONLY: u32 = 1;
pub const O_RDWR: u32 = 2;
/// The bits that hold one of the three above.
pub const O_ACCMODE: u32 = 3;
pub const O_CREAT: u32 = 0o100;
pub const O_EXCL: u32 = 0o200;
pub const O_NOCTTY: u32 = 0o400;
pub const O_TRUNC: u32 = 0o1000;
pub const O_APPEND: u32 = 0o2000;
pub const O_NONBLOCK: u32 = 0o4000;
pub const O_DSYNC: u32 = 0o1_0000;
pub const O_ASYNC: u32 = 0o2_0000;
pub const O_DIRECT: u32 = 0o4_0000;
pub const O_LARGEFILE: u32 = 0o10_0000;
pub const O_DIRECTORY: u32 = 0o20_0000;
pub const O_NOFOLLOW: u32 = 0o40_0000;
pub const O_NOATIME: u32 = 0o100_0000;
pub const O_CLOEXEC: u32 = 0o200_0000;
pub const O_SYNC: u32 = 0o400_0000 | O_DSYNC;
pub const O_PATH: u32 = 0o1000_0000;
/// The flag of its own; programs give it together with `O_DIRECTORY`.
pub const O_TMPFILE_ALONE: u32 = 0o2000_0000;
