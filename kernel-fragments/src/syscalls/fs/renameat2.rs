//! `renameat2(2)`: <https://man7.org/linux/man-pages/man2/renameat2.2.html>. Supported: RENAME_NOREPLACE,
//! RENAME_EXCHANGE; not supported: RENAME_WHITEOUT. Errors: EINVAL, EFAULT, ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY,
//! EBUSY, ELOOP, ENAMETOOLONG, EBADF.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptor_links::note_removed;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::directory::parent_of;
use crate::subsystems::file_rights::{check_move, check_new, check_removal};
use crate::subsystems::file_tree::{FileTree, Last, Name};
use crate::subsystems::node::Node;
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

syscall!(276 => renameat2);

const RENAME_NOREPLACE: u32 = 1;
const RENAME_EXCHANGE: u32 = 2;
const RENAME_WHITEOUT: u32 = 4;

/// Moves the entry at `old_path`, relative to `old_directory`, to `new_path`, relative to `new_directory`.
pub fn renameat2(
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
    let exchanges = flags & RENAME_EXCHANGE != 0;
    if flags & !(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT) != 0
        || exchanges && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT) != 0
    {
        return Err(Errno::EINVAL.into());
    }
    if flags & RENAME_WHITEOUT != 0 {
        return Err(Refusal::Unsupported("renameat2 with RENAME_WHITEOUT"));
    }
    let old_path = read_nonempty_path(memory, old_path)?;
    let start = start_directory(descriptors, tree, boot, old_directory, old_path)?;
    let old = tree.place(boot, &start, old_path, Last::Entry)?;
    let new_path = read_nonempty_path(memory, new_path)?;
    let start = start_directory(descriptors, tree, boot, new_directory, new_path)?;
    let new = tree.place(boot, &start, new_path, Last::Entry)?;

    // The order of the checks is that of fs/namei.c, do_renameat2.
    let (old_parent, old_slash) = (old.parent.clone(), old.wants_directory);
    let (new_parent, new_slash) = (new.parent.clone(), new.wants_directory);
    let keeps_target = flags & RENAME_NOREPLACE != 0;
    if !matches!(old.name, Name::Normal(_)) {
        return Err(Errno::EBUSY.into());
    }
    if !matches!(new.name, Name::Normal(_)) {
        return Err(if keeps_target { Errno::EEXIST } else { Errno::EBUSY }.into());
    }
    let (old_name, old_node) = old.ordinary(|_| Errno::EBUSY)?;
    let old_node = old_node.ok_or(Errno::ENOENT)?;
    let (new_name, target) = new.ordinary(|_| Errno::EBUSY)?;
    if keeps_target && target.is_some() {
        return Err(Errno::EEXIST.into());
    }
    if exchanges {
        let target = target.as_ref().ok_or(Errno::ENOENT)?;
        if new_slash && target.directory().is_none() {
            return Err(Errno::ENOTDIR.into());
        }
    }
    let moves_directory = old_node.directory().is_some();
    if !moves_directory && (old_slash || new_slash && !exchanges) {
        return Err(Errno::ENOTDIR.into());
    }
    if is_within(&new_parent, &old_node) {
        return Err(Errno::EINVAL.into());
    }
    if let Some(target) = &target {
        if is_within(&old_parent, target) {
            return Err(if exchanges { Errno::EINVAL } else { Errno::ENOTEMPTY }.into());
        }
        if Rc::ptr_eq(&old_node, target) {
            return Ok(0); // two names of one file: nothing happens
        }
    }
    check_removal(&old_parent, &old_node)?;
    match &target {
        Some(target) => check_removal(&new_parent, target)?,
        None if new_parent.links.get() == 0 => return Err(Errno::ENOENT.into()), // the directory was removed
        None => check_new(&new_parent)?,
    }
    if let Some(target) = &target {
        match tree.entries(target) {
            _ if exchanges => {}
            None if moves_directory => return Err(Errno::ENOTDIR.into()),
            Some(_) if !moves_directory => return Err(Errno::EISDIR.into()),
            Some(entries) if !entries.is_empty() => return Err(Errno::ENOTEMPTY.into()),
            _ => {}
        }
    }
    if !Rc::ptr_eq(&old_parent, &new_parent) {
        check_move(&old_node)?;
        if let (true, Some(target)) = (exchanges, &target) {
            check_move(target)?;
        }
    }
    if let (false, Some(target)) = (exchanges, &target) {
        note_removed(tree, target, &new_parent, &new_name);
    }
    tree.unlink(&old_parent, &old_name);
    tree.link(&new_parent, &new_name, &old_node);
    if let (true, Some(target)) = (exchanges, &target) {
        tree.link(&old_parent, &old_name, target);
    }
    Ok(0)
}

/// Whether `node` is `directory` or lies below it.
fn is_within(node: &Rc<Node>, directory: &Rc<Node>) -> bool {
    let mut node = Some(node.clone());
    while let Some(current) = node {
        if Rc::ptr_eq(&current, directory) {
            return true;
        }
        node = parent_of(&current);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::subsystems::directory::Directory;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::testing::FakeMemory;

    /// The answers are those of Linux for the same calls on a tmpfs.
    #[test]
    fn moves_replaces_exchanges() {
        let mut memory = FakeMemory::new(1024);
        let (mut descriptors, mut tree) = (Descriptors::new(), FileTree::new());
        let boot = boot_with(&[("/a/b/x", "", 0o600), ("/z/1", "", 0o600), ("/g", "g", 0o600), ("/f", "four", 0o600)]);
        let root = tree.root(&boot);
        let empty = tree.new_node(Kind::Directory(Directory::default()), 0o755);
        tree.link(&root, b"empty", &empty);
        let mut call = |old: &str, new: &str, flags| {
            let (old, new) = (memory.put_c_string(0, old), memory.put_c_string(512, new));
            renameat2(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, old, AT_FDCWD, new, flags)
        };
        for (old, new, flags, errno) in [
            ("a", "a/b/c", 0, Errno::EINVAL),
            ("a/b", "a", 0, Errno::ENOTEMPTY),
            ("a", "z", 0, Errno::ENOTEMPTY),
            ("a", "g", 0, Errno::ENOTDIR),
            ("g", "a", 0, Errno::EISDIR),
            ("nope", "g", 0, Errno::ENOENT),
            ("g", "h/", 0, Errno::ENOTDIR),
            ("g/", "h", 0, Errno::ENOTDIR),
            (".", "y", 0, Errno::EBUSY),
            ("empty", "..", 0, Errno::EBUSY),
            ("g", "f", RENAME_NOREPLACE, Errno::EEXIST),
            ("nope", "f", RENAME_NOREPLACE, Errno::ENOENT),
            ("g", "nope", RENAME_EXCHANGE, Errno::ENOENT),
            ("g", "f", RENAME_EXCHANGE | RENAME_NOREPLACE, Errno::EINVAL),
            ("g", "f", 8, Errno::EINVAL),
            ("a/b", "a", RENAME_EXCHANGE, Errno::EINVAL),
            ("", "x", 0, Errno::ENOENT),
            ("g", "nodir/x", 0, Errno::ENOENT),
            ("empty", "f/x", 0, Errno::ENOTDIR),
        ] {
            assert_eq!(call(old, new, flags), Err(errno.into()), "{old} {new} {flags}");
        }
        // What is wrong with the new path shows only when the old one was followed, a long name only when it is looked up.
        let long = "n".repeat(256);
        assert_eq!(call("f/x", "", 0), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(&long, "nodir/x", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call(&long, ".", 0), Err(Errno::EBUSY.into()));
        assert_eq!(call(&long, "x", 0), Err(Errno::ENAMETOOLONG.into()));
        assert_eq!(call("g", "g", 0), Ok(0));
        assert_eq!(call("a/", "empty/", 0), Ok(0));
        assert_eq!(call("g", "f", RENAME_EXCHANGE), Ok(0));
        assert_eq!(call("f", "empty/b/new", RENAME_NOREPLACE), Ok(0));
        let mut size = |path: &[u8]| tree.find(&boot, &root, path, Last::Keep).map(|node| node.stat().size_bytes);
        assert_eq!((size(b"g"), size(b"f")), (Ok(4), Err(Errno::ENOENT)));
        assert_eq!((size(b"empty/b/new"), size(b"a"), size(b"empty/b/x")), (Ok(1), Err(Errno::ENOENT), Ok(0)));
        assert_eq!(empty.links.get(), 0);
    }
}
