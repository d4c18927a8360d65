//! `linkat(2)`: <https://man7.org/linux/man-pages/man2/linkat.2.html>. Supported: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH,
//! files that were made by O_TMPFILE; not supported: naming a descriptor's file without CAP_DAC_READ_SEARCH. Errors: EINVAL,
//! EFAULT, ENOENT, EEXIST, ENOTDIR, EPERM, ELOOP, ENAMETOOLONG, EBADF, EXDEV, EACCES.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{check_link, check_new, may_name_descriptors};
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::{new_entry, read_nonempty_path, read_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

syscall!(37 => linkat);

/// Linux lets him who opened it do so, as long as he is the same.
const NAMES_DESCRIPTOR: Refusal = Refusal::Unsupported("linkat of a descriptor without CAP_DAC_READ_SEARCH");

/// Gives the file at `old_path`, relative to `old_directory`, the further name `new_path`, relative to `new_directory`.
pub fn linkat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    old_directory: Fd,
    old_path: UserAddress,
    new_directory: Fd,
    new_path: UserAddress,
    flags: u32,
) -> SysResult {
    if flags & !(AT_EMPTY_PATH | AT_SYMLINK_FOLLOW) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let old_path = read_path(memory, old_path)?;
    let node = if old_path.is_empty() {
        match flags & AT_EMPTY_PATH {
            0 => return Err(Errno::ENOENT.into()),
            _ if old_directory == AT_FDCWD => tree.working_directory(boot),
            _ if !may_name_descriptors() => return Err(NAMES_DESCRIPTOR),
            _ => descriptors.any(old_directory)?.file.node().cloned().ok_or(Errno::EXDEV)?,
        }
    } else {
        let last = if flags & AT_SYMLINK_FOLLOW != 0 { Last::Follow } else { Last::Keep };
        let start = start_directory(descriptors, tree, boot, old_directory, old_path)?;
        tree.find(boot, &start, old_path, last)?
    };
    let new_path = read_nonempty_path(memory, new_path)?;
    let start = start_directory(descriptors, tree, boot, new_directory, new_path)?;
    let (parent, name, slash) = new_entry(tree, boot, &start, new_path)?;
    if slash {
        return Err(Errno::ENOENT.into());
    }
    check_link(&node)?;
    if parent.links.get() == 0 {
        return Err(Errno::ENOENT.into());
    }
    check_new(&parent)?;
    if node.directory().is_some() {
        return Err(Errno::EPERM.into());
    }
    if node.links.get() == 0 {
        // Only who was made without a name may get the first one, and that without O_EXCL (fs/namei.c, I_LINKABLE).
        let unnamed = tree.unnamed.iter().position(|other| other.as_ptr() == Rc::as_ptr(&node));
        tree.unnamed.swap_remove(unnamed.ok_or(Errno::ENOENT)?);
    }
    tree.link(&parent, &name, &node);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::{Contents, Kind};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn adds_names() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/f", "hello", 0o640)]);
        let mut call = |old: &str, new: &str, flags| {
            let (old, new) = (memory.put_c_string(0, old), memory.put_c_string(128, new));
            linkat(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, old, AT_FDCWD, new, flags)
        };
        assert_eq!(call("f", "g", 1), Err(Errno::EINVAL.into()));
        assert_eq!(call("", "g", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call("", "g", AT_EMPTY_PATH), Err(Errno::EPERM.into())); // the working directory
        assert_eq!(call("", "f", AT_EMPTY_PATH), Err(Errno::EEXIST.into()));
        assert_eq!(call("tmp", "g", 0), Err(Errno::EPERM.into()));
        assert_eq!(call("f", "f", 0), Err(Errno::EEXIST.into()));
        assert_eq!(call("nope", "f", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call("f", "g/", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call("/proc/self/exe", "exe", 0), Ok(0));
        assert_eq!(call("/proc/self/exe", "exe2", AT_SYMLINK_FOLLOW), Err(Errno::ENOENT.into()));
        assert_eq!(call("f", "g", 0), Ok(0));
        let root = tree.root(&boot);
        let node = tree.find(&boot, &root, b"g", Last::Keep).expect("just linked");
        assert_eq!((node.links.get(), node.stat().size_bytes), (2, 5));
    }

    /// As programs do it that show a file only when it is complete.
    #[test]
    fn names_what_was_made_without_a_name() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[]));
        let empty = memory.put_c_string(0, "");
        let [unnamed, other] = [true, false].map(|may_get_one| {
            let node = tree.new_node(Kind::Regular(Contents::empty()), 0o600);
            if may_get_one {
                tree.unnamed.push(Rc::downgrade(&node));
            }
            descriptors.insert(OpenFile::new(Box::new(TreeFile(node)), O_RDWR), false, 0).expect("there is room")
        });
        let mut call = |fd, tree: &mut FileTree, name: &str| {
            let name = memory.put_c_string(128, name);
            linkat(&mut memory, &mut descriptors, tree, &boot, fd, empty, AT_FDCWD, name, AT_EMPTY_PATH)
        };
        assert_eq!(call(other, &mut tree, "other"), Err(Errno::ENOENT.into()));
        assert_eq!(call(unnamed, &mut tree, "tmp"), Err(Errno::EEXIST.into()));
        assert_eq!((call(unnamed, &mut tree, "first"), call(unnamed, &mut tree, "second")), (Ok(0), Ok(0)));
        let root = tree.root(&boot);
        let node = tree.find(&boot, &root, b"first", Last::Keep).expect("just linked");
        assert_eq!(node.links.get(), 2);
        for name in [&b"first"[..], b"second"] {
            tree.unlink(&root, name);
        }
        assert_eq!(call(unnamed, &mut tree, "third"), Err(Errno::ENOENT.into()));
    }
}
