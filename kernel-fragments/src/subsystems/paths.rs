//! Paths as calls take them: where they lie in the program's memory, and what they are relative to.

use crate::abi::at_flags::{AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW};
use crate::abi::stat::Stat;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::register::Fd;
use crate::subsystems::descriptor_links::show_descriptors;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last, MAX_PATH_BYTES};
use crate::subsystems::node::Node;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The path at `address`, which may be empty.
///
/// # Errors
/// EFAULT, ENAMETOOLONG.
pub fn read_path(memory: &impl UserMemory, address: UserAddress) -> Result<&[u8], Errno> {
    memory.c_string(address, MAX_PATH_BYTES)
}

/// The path at `address`.
///
/// # Errors
/// EFAULT, ENAMETOOLONG; ENOENT if it is empty.
pub fn read_nonempty_path(memory: &impl UserMemory, address: UserAddress) -> Result<&[u8], Errno> {
    let path = read_path(memory, address)?;
    if path.is_empty() { Err(Errno::ENOENT) } else { Ok(path) }
}

/// The directory from which `path`, given together with `directory`, is resolved.
///
/// # Errors
/// EBADF or ENOTDIR if the path is relative and `directory` is no open directory.
pub fn start_directory(
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: &[u8],
) -> Result<Rc<Node>, Errno> {
    show_descriptors(descriptors, tree, boot, path);
    if path.starts_with(b"/") {
        return Ok(tree.root(boot));
    }
    if directory == AT_FDCWD {
        return Ok(tree.working_directory(boot));
    }
    let node = descriptors.any(directory)?.file.node();
    node.filter(|node| node.directory().is_some()).cloned().ok_or(Errno::ENOTDIR)
}

/// The file at `path`, relative to the working directory.
///
/// # Errors
/// EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
pub fn file_at(
    memory: &impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    last: Last,
) -> Result<Rc<Node>, Errno> {
    let path = read_nonempty_path(memory, path)?;
    let start = tree.working_directory(boot);
    tree.find(boot, &start, path, last)
}

/// Whether `directory` is a descriptor and `path` is null or empty.
pub fn is_empty_path(memory: &impl UserMemory, directory: Fd, path: UserAddress) -> bool {
    directory.0 >= 0 && (path.is_null() || memory.read(path) == Ok([0]))
}

/// What is known of the file at `path`, relative to `directory`; with AT_EMPTY_PATH, of what an empty path stands for.
///
/// # Errors
/// EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EBADF; EINVAL for unknown flags.
pub fn stat_at(
    memory: &impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    flags: u32,
) -> Result<Stat, Errno> {
    const KNOWN_FLAGS: u32 = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;

    // What is wrong with the path shows only when it is used (fs/stat.c, vfs_statx).
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL);
    }
    let path = read_path(memory, path)?;
    if path.is_empty() && flags & AT_EMPTY_PATH == 0 {
        return Err(Errno::ENOENT);
    }
    if path.is_empty() {
        return if directory == AT_FDCWD {
            Ok(tree.working_directory(boot).stat())
        } else {
            Ok(descriptors.any(directory)?.file.stat())
        };
    }
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    let last = if flags & AT_SYMLINK_NOFOLLOW != 0 { Last::Keep } else { Last::Follow };
    let node = tree.find(boot, &start, path, last)?;
    tree.entries(&node); // the number of a directory's links is that of its entries
    Ok(node.stat())
}

/// Where a new file at `path` from `start` would get its name: the directory, the name, and whether a slash follows it.
///
/// # Errors
/// EEXIST if there is something; ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.
pub fn new_entry(
    tree: &mut FileTree,
    boot: &BootInfo,
    start: &Rc<Node>,
    path: &[u8],
) -> Result<(Rc<Node>, Vec<u8>, bool), Errno> {
    let place = tree.place(boot, start, path, Last::Entry)?;
    let (parent, wants_directory) = (place.parent.clone(), place.wants_directory);
    match place.ordinary(|_| Errno::EEXIST)? {
        (name, None) => Ok((parent, name, wants_directory)),
        _ => Err(Errno::EEXIST),
    }
}

/// All ways of using a file.
const ACCESS_MODES: u32 = 7;

/// EINVAL if `mode` asks for what there is not.
pub fn check_access_mode(mode: u32) -> Result<(), Errno> {
    if mode & !ACCESS_MODES != 0 { Err(Errno::EINVAL) } else { Ok(()) }
}
