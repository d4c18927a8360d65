//! `fchownat(2)`: <https://man7.org/linux/man-pages/man2/chown.2.html>. Supported: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH.
//! Errors: EINVAL, EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::{read_path, start_directory};
use crate::subsystems::rights::set_owner;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(54 => fchownat);

/// Sets owner and group of the file at `path`, relative to `directory`; -1 leaves one as it is.
pub fn fchownat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    user: u32,
    group: u32,
    flags: u32,
) -> SysResult {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = read_path(memory, path)?;
    if path.is_empty() && flags & AT_EMPTY_PATH == 0 {
        return Err(Errno::ENOENT.into());
    }
    if path.is_empty() && directory != AT_FDCWD {
        set_owner(descriptors.any(directory)?, user, group)?;
        return Ok(0);
    }
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let last = if flags & AT_SYMLINK_NOFOLLOW != 0 { Last::Keep } else { Last::Follow };
    let node = if path.is_empty() { start } else { tree.find(boot, &start, path, last)? };
    node.set_owner(user, group)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn by_path() {
        let mut memory = FakeMemory::new(64);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/f", "", 0)]));
        let mut call = |tree: &mut FileTree, path: &str, flags| {
            let path = memory.put_c_string(0, path);
            fchownat(&mut memory, &mut descriptors, tree, &boot, AT_FDCWD, path, 7, 8, flags)
        };
        assert_eq!(call(&mut tree, "nope", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut tree, "", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut tree, "f", 0x200), Err(Errno::EINVAL.into()));
        assert_eq!((call(&mut tree, "f", 0), call(&mut tree, "", AT_EMPTY_PATH)), (Ok(0), Ok(0)));
        let root = tree.root(&boot);
        assert_eq!(tree.find(&boot, &root, b"f", Last::Keep).map(|node| node.owner.get()), Ok((7, 8)));
        assert_eq!(root.owner.get(), (7, 8), "the working directory");
    }
}
