//! `unlinkat(2)`: <https://man7.org/linux/man-pages/man2/unlinkat.2.html>. Supported: AT_REMOVEDIR. Errors: EINVAL,
//! EFAULT, ENOENT, ENOTDIR, EISDIR, ENOTEMPTY, EBUSY, ELOOP, ENAMETOOLONG, EBADF.

use crate::abi::at_flags::AT_REMOVEDIR;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptor_links::note_removed;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::check_removal;
use crate::subsystems::file_tree::{FileTree, Last, Name, Place};
use crate::subsystems::node::MAX_NAME_BYTES;
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(35 => unlinkat);

/// Removes the directory entry at `path`, relative to `directory`. Descriptors keep the file alive.
pub fn unlinkat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
) -> SysResult {
    if flags & !AT_REMOVEDIR != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let Place { parent, name, node, wants_directory } = tree.place(boot, &start, path, Last::Entry)?;
    let removes_directory = flags & AT_REMOVEDIR != 0;
    let name = match name {
        Name::Normal(name) if name.len() > MAX_NAME_BYTES => return Err(Errno::ENAMETOOLONG.into()),
        Name::Normal(name) => name,
        _ if !removes_directory => return Err(Errno::EISDIR.into()),
        Name::Dot => return Err(Errno::EINVAL.into()),
        Name::DotDot => return Err(Errno::ENOTEMPTY.into()),
        _ => return Err(Errno::EBUSY.into()),
    };
    let node = node.ok_or(Errno::ENOENT)?;
    if wants_directory && !removes_directory {
        let is_directory = node.directory().is_some();
        return Err(if is_directory { Errno::EISDIR } else { Errno::ENOTDIR }.into());
    }
    check_removal(&parent, &node)?;
    match (tree.entries(&node), removes_directory) {
        (Some(_), false) => return Err(Errno::EISDIR.into()),
        (Some(entries), true) if !entries.is_empty() => return Err(Errno::ENOTEMPTY.into()),
        (None, true) => return Err(Errno::ENOTDIR.into()),
        _ => {}
    }
    note_removed(tree, &node, &parent, &name);
    tree.unlink(&parent, &name);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux for the same calls on a tmpfs.
    #[test]
    fn files_and_directories() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640), ("/d/e/x", "", 0o640)]);
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink((*b"target").into()), 0o777);
        tree.link(&root, b"l", &link);
        let mut call = |path: &str, flags| {
            let path = memory.put_c_string(0, path);
            unlinkat(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, path, flags)
        };
        for (path, flags, errno) in [
            ("d", 0, Errno::EISDIR),
            ("f", AT_REMOVEDIR, Errno::ENOTDIR),
            ("d", AT_REMOVEDIR, Errno::ENOTEMPTY),
            ("f/", 0, Errno::ENOTDIR),
            ("f", 1, Errno::EINVAL),
            (".", AT_REMOVEDIR, Errno::EINVAL),
            ("d/..", AT_REMOVEDIR, Errno::ENOTEMPTY),
            ("/", AT_REMOVEDIR, Errno::EBUSY),
            (".", 0, Errno::EISDIR),
            ("/", 0, Errno::EISDIR),
            ("nope/", 0, Errno::ENOENT),
            ("d/", 0, Errno::EISDIR),
            ("", 0, Errno::ENOENT),
            ("l/", 0, Errno::ENOTDIR),
            ("l/", AT_REMOVEDIR, Errno::ENOTDIR),
        ] {
            assert_eq!(call(path, flags), Err(errno.into()), "{path} {flags:x}");
        }
        assert_eq!(call("d/e/x", 0), Ok(0));
        assert_eq!(call("d/e/", AT_REMOVEDIR), Ok(0));
        assert_eq!(call("l", 0), Ok(0));
        assert_eq!(call("f", 0), Ok(0));
        assert_eq!(call("f", 0), Err(Errno::ENOENT.into()));
    }
}
