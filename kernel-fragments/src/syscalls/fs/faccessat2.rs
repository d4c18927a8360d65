//! `faccessat2(2)`: <https://man7.org/linux/man-pages/man2/faccessat2.2.html>. Supported: AT_EACCESS, AT_SYMLINK_NOFOLLOW,
//! AT_EMPTY_PATH. Errors: EINVAL, EFAULT, ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG,
//! EBADF.

use crate::abi::at_flags::{AT_EACCESS, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{check_stat, with_real_ids};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::paths::{check_access_mode, stat_at};
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(439 => faccessat2);

/// Whether the file at `path`, relative to `directory`, may be used in the ways of `mode`.
pub fn faccessat2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    thread: &mut Thread,
    directory: Fd,
    path: UserAddress,
    mode: u32,
    flags: u32,
) -> SysResult {
    check_access_mode(mode)?;
    if flags & !(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let mut check = || {
        let stat = stat_at(memory, descriptors, tree, boot, directory, path, flags & !AT_EACCESS)?;
        check_stat(&stat, mode)?;
        Ok(0)
    };
    if flags & AT_EACCESS != 0 { check() } else { with_real_ids(thread.credentials, &mut check) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;

    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux to the superuser.
    #[test]
    fn as_superuser() {
        let mut memory = FakeMemory::new(64);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "", 0o044), ("/x", "", 0o100)]);
        let mut call = |directory, path: &str, mode, flags| {
            let path = memory.put_c_string(0, path);
            faccessat2(
                &mut memory,
                &mut descriptors,
                &mut tree,
                &boot,
                &mut Thread::first(),
                directory,
                path,
                mode,
                flags,
            )
        };
        assert_eq!(call(AT_FDCWD, "f", 6, AT_EACCESS), Ok(0));
        assert_eq!(call(AT_FDCWD, "f", 0, 0x10), Err(Errno::EINVAL.into()));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", 0, AT_SYMLINK_NOFOLLOW), Ok(0));
        assert_eq!(call(AT_FDCWD, "/proc/self/exe", 0, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(1), "", 0, AT_EMPTY_PATH), Ok(0));
        assert_eq!(call(Fd(1), "", 0, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(9), "", 0, AT_EMPTY_PATH), Err(Errno::EBADF.into()));
    }
}
