//! `mkdirat(2)`: <https://man7.org/linux/man-pages/man2/mkdirat.2.html>. Supported: everything. Errors: EFAULT, ENOENT,
//! EEXIST, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::directory::Directory;
use crate::subsystems::file_rights::{check_new, own};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::node::Kind;
use crate::subsystems::paths::{new_entry, read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(34 => mkdirat);

/// Makes an empty directory at `path`, relative to `directory`.
pub fn mkdirat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    mode: u32,
) -> SysResult {
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let (parent, name, _) = new_entry(tree, boot, &start, path)?;
    if parent.links.get() == 0 {
        return Err(Errno::ENOENT.into()); // the directory was removed
    }
    check_new(&parent)?;
    let permissions = mode & 0o1777 & !tree.umask;
    let node = tree.new_node(Kind::Directory(Directory::default()), permissions);
    own(Some(&parent), &node, mode);
    tree.link(&parent, &name, &node);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux for the same calls on a tmpfs.
    #[test]
    fn makes_directories() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640), ("/d/x", "", 0o640)]);
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink((*b"target").into()), 0o777);
        tree.link(&root, b"l", &link);
        let mut call = |path: &str, mode| {
            let path = memory.put_c_string(0, path);
            mkdirat(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, path, mode)
        };
        for (path, errno) in [
            ("d", Errno::EEXIST),
            ("f", Errno::EEXIST),
            ("f/x", Errno::ENOTDIR),
            (".", Errno::EEXIST),
            ("..", Errno::EEXIST),
            ("/", Errno::EEXIST),
            ("l", Errno::EEXIST),
            ("l/", Errno::EEXIST),
            ("x/y", Errno::ENOENT),
            ("", Errno::ENOENT),
        ] {
            assert_eq!(call(path, 0o777), Err(errno.into()), "{path}");
        }
        assert_eq!(call("n/", 0o777), Ok(0));
        assert_eq!(call("n/m", 0o7777), Ok(0));
        assert_eq!(tree.find(&boot, &root, b"n/m", Last::Keep).map(|node| node.stat().mode), Ok(0o41755));
    }
}
