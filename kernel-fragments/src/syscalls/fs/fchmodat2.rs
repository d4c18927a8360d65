//! `fchmodat2(2)`: <https://man7.org/linux/man-pages/man2/fchmodat.2.html>. Supported: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH; not
//! supported: pipes. Errors: EINVAL, EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF, EOPNOTSUPP.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::Kind;
use crate::subsystems::paths::{read_path, start_directory};
use crate::subsystems::rights::set_permissions;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(452 => fchmodat2);

/// Sets the permission bits of the file at `path`, relative to `directory`; those of a symbolic link cannot be set.
pub fn fchmodat2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    mode: u32,
    flags: u32,
) -> SysResult {
    if flags & !(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = read_path(memory, path)?;
    if path.is_empty() && flags & AT_EMPTY_PATH == 0 {
        return Err(Errno::ENOENT.into());
    }
    let node = if path.is_empty() && directory != AT_FDCWD {
        let open = descriptors.any(directory)?;
        match open.file.node() {
            Some(node) => node.clone(),
            None => {
                set_permissions(open, mode & 0o7777)?;
                return Ok(0);
            }
        }
    } else {
        let start = start_directory(descriptors, tree, boot, directory, path)?;
        let last = if flags & AT_SYMLINK_NOFOLLOW != 0 { Last::Keep } else { Last::Follow };
        if path.is_empty() { start } else { tree.find(boot, &start, path, last)? }
    };
    match &node.kind {
        Kind::Symlink(_) => return Err(Errno::EOPNOTSUPP.into()),
        Kind::Descriptor(link) if link.is_link() => return Err(Errno::EOPNOTSUPP.into()),
        _ => {}
    }
    node.set_permissions(mode & 0o7777)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_PATH;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::FakeMemory;

    #[test]
    fn of_paths_and_descriptors() {
        let (mut memory, boot) = (FakeMemory::new(64), boot_with(&[("/f", "", 0)]));
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink(b"f"[..].into()), 0o777);
        tree.link(&root, b"link", &link);
        let open = open_with(&mut descriptors, b"", O_PATH);
        let mut call = |directory, path: &str, flags| {
            let path = memory.put_c_string(0, path);
            fchmodat2(&mut memory, &mut descriptors, &mut tree, &boot, directory, path, 0o777_4755, flags)
        };
        assert_eq!(call(AT_FDCWD, "link", 0), Ok(0));
        assert_eq!(call(open, "", AT_EMPTY_PATH), Ok(0));
        assert_eq!(call(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!(call(AT_FDCWD, "f", AT_SYMLINK_NOFOLLOW), Ok(0));
        assert_eq!(call(open, "", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(Fd(99), "", AT_EMPTY_PATH), Err(Errno::EBADF.into()));
        assert_eq!(call(AT_FDCWD, "f", 1), Err(Errno::EINVAL.into()));
        let mode = |tree: &mut FileTree, path: &[u8]| tree.find(&boot, &root, path, Last::Keep).map(|n| n.stat().mode);
        assert_eq!(mode(&mut tree, b"f"), Ok(0o104755));
        assert_eq!(descriptors.any(open).map(|open| open.file.stat().mode), Ok(0o104755));
    }
}
