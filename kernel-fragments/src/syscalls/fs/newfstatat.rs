//! `newfstatat(2)`: <https://man7.org/linux/man-pages/man2/newfstatat.2.html>. Supported: every flag. Errors: EFAULT,
//! ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL, EBADF.

use crate::abi::at_flags::AT_EMPTY_PATH;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::paths::{is_empty_path, stat_at};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(79 => newfstatat);

/// Writes what is known of the file at `path`, relative to `directory`, to `address`.
pub fn newfstatat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    address: UserAddress,
    flags: u32,
) -> SysResult {
    // What glibc makes of `fstat`; here the path may even be null (fs/stat.c, vfs_fstatat).
    let stat = if flags == AT_EMPTY_PATH && is_empty_path(memory, directory, path) {
        descriptors.any(directory)?.file.stat()
    } else {
        stat_at(memory, descriptors, tree, boot, directory, path, flags)?
    };
    memory.write_words(address, stat.encode())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::{AT_FDCWD, AT_SYMLINK_NOFOLLOW};
    use crate::errno::{Errno, Refusal};
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn paths_flags_and_null() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/data/in.txt", "hello", 0o640)]);
        let buffer = memory.address(0);
        let mut call = |directory, path: Option<&str>, address, flags| {
            let path = path.map_or(UserAddress::NULL, |path| memory.put_c_string(128, path));
            newfstatat(&mut memory, &mut descriptors, &mut tree, &boot, directory, path, address, flags)?;
            Ok::<u32, Refusal>(u32::from_le_bytes(memory.bytes(16, 4).try_into().expect("four bytes")))
        };
        assert_eq!(call(AT_FDCWD, Some("data/in.txt"), buffer, 0), Ok(0o100640));
        assert_eq!(call(AT_FDCWD, Some("data/in.txt"), UserAddress(8), 0), Err(Errno::EFAULT.into()));
        assert_eq!(call(AT_FDCWD, Some("nothing"), UserAddress(8), 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(AT_FDCWD, Some("data/in.txt/"), buffer, 0), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(AT_FDCWD, Some("/proc/self/exe"), buffer, AT_SYMLINK_NOFOLLOW), Ok(0o120777));
        assert_eq!(call(AT_FDCWD, Some("/proc/self/exe"), buffer, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(1), Some("x"), buffer, 0), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(Fd(9), Some("x"), buffer, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(9), Some("/data"), buffer, 0), Ok(0o40755));
        // Empty and missing paths.
        assert_eq!(call(AT_FDCWD, Some(""), buffer, 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(AT_FDCWD, Some(""), buffer, AT_EMPTY_PATH), Ok(0o40755));
        assert_eq!(call(Fd(1), Some(""), buffer, AT_EMPTY_PATH), Ok(0o10600));
        assert_eq!(call(Fd(1), None, buffer, AT_EMPTY_PATH), Ok(0o10600));
        assert_eq!(call(Fd(1), None, buffer, 0), Err(Errno::EFAULT.into()));
        assert_eq!(call(Fd(9), None, buffer, AT_EMPTY_PATH), Err(Errno::EBADF.into()));
        assert_eq!(call(AT_FDCWD, Some("/"), buffer, 0x8000), Err(Errno::EINVAL.into()));
    }
}
