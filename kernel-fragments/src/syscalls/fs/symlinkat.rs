//! `symlinkat(2)`: <https://man7.org/linux/man-pages/man2/symlinkat.2.html>. Supported: everything. Errors: EFAULT,
//! ENOENT, EEXIST, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptor_links::show_descriptors;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{check_new, own};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::node::Kind;
use crate::subsystems::paths::{new_entry, read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(36 => symlinkat);

/// Makes a symbolic link to `target` at `path`, relative to `directory`.
pub fn symlinkat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    target: UserAddress,
    directory: Fd,
    path: UserAddress,
) -> SysResult {
    let target = read_nonempty_path(memory, target)?;
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let (parent, name, slash) = new_entry(tree, boot, &start, path)?;
    if slash || parent.links.get() == 0 {
        return Err(Errno::ENOENT.into());
    }
    check_new(&parent)?;
    let node = tree.new_node(Kind::Symlink(target.into()), 0o777);
    own(Some(&parent), &node, 0o777);
    tree.link(&parent, &name, &node);
    // Who follows it does not name what it leads to.
    show_descriptors(descriptors, tree, boot, target);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn makes_links() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640)]);
        let mut call = |target: &str, path: &str| {
            let (target, path) = (memory.put_c_string(0, target), memory.put_c_string(128, path));
            symlinkat(&mut memory, &mut descriptors, &mut tree, &boot, target, AT_FDCWD, path)
        };
        assert_eq!(call("", "s"), Err(Errno::ENOENT.into()));
        assert_eq!(call("x", "f"), Err(Errno::EEXIST.into()));
        assert_eq!(call("x", "new/"), Err(Errno::ENOENT.into()));
        assert_eq!(call("x", "tmp/."), Err(Errno::EEXIST.into()));
        assert_eq!((call("f", "new"), call("/dev/fd/1", "out")), (Ok(0), Ok(0)));
        let root = tree.root(&boot);
        assert_eq!(tree.find(&boot, &root, b"new", Last::Follow).map(|node| node.stat().size_bytes), Ok(5));
        assert!(tree.find(&boot, &root, b"out", Last::Follow).is_ok(), "the links are there");
    }
}
