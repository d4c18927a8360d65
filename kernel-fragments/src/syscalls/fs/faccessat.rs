//! `faccessat(2)`: <https://man7.org/linux/man-pages/man2/faccessat.2.html>. Supported: everything.
//! Errors: EINVAL, EFAULT, ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG,
//! EBADF.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{check_stat, with_real_ids};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::paths::{check_access_mode, stat_at};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(48 => faccessat);

/// Whether the file at `path`, relative to `directory`, may be used in the ways of `mode`.
pub fn faccessat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    thread: &mut Thread,
    directory: Fd,
    path: UserAddress,
    mode: u32,
) -> SysResult {
    check_access_mode(mode)?;
    with_real_ids(thread.credentials, || {
        let stat = stat_at(memory, descriptors, tree, boot, directory, path, 0)?;
        check_stat(&stat, mode)?;
        Ok(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::errno::Errno;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux to the superuser.
    #[test]
    fn as_superuser() {
        let mut memory = FakeMemory::new(64);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "", 0o044), ("/x", "", 0o100)]);
        let mut call = |directory, path: &str, mode| {
            let path = memory.put_c_string(0, path);
            faccessat(&mut memory, &mut descriptors, &mut tree, &boot, &mut Thread::first(), directory, path, mode)
        };
        assert_eq!(call(AT_FDCWD, "f", 6), Ok(0));
        assert_eq!(call(AT_FDCWD, "f", 7), Err(Errno::EACCES.into()));
        assert_eq!(call(AT_FDCWD, "x", 7), Ok(0));
        assert_eq!(call(AT_FDCWD, ".", 7), Ok(0));
        assert_eq!(call(AT_FDCWD, "nope", 8), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "nope", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(9), "f", 0), Err(Errno::EBADF.into()));
    }
}
