//! In place of `file_rights.rs` where no call can change who a thread is: the superuser may do everything to every file.

use crate::abi::stat::{S_IFDIR, S_IFMT, Stat};
use crate::errno::Errno;
use crate::subsystems::credentials::Credentials;
use crate::subsystems::node::Node;
use alloc::rc::Rc;

/// Execute a file, search a directory.
pub const EXECUTE: u32 = 1;
/// Write a file, change a directory's entries.
pub const WRITE: u32 = 2;
/// Read.
pub const READ: u32 = 4;

/// Whether `node` may be used in the ways of `wanted`, which are not [`EXECUTE`] of a file.
#[inline(always)]
pub fn check(_node: &Node, _wanted: u32) -> Result<(), Errno> {
    Ok(())
}

/// Whether a file may be used in the ways of `wanted`: all but executing what nobody may execute.
///
/// # Errors
/// EACCES if not.
pub fn check_stat(stat: &Stat, wanted: u32) -> Result<(), Errno> {
    let executable = stat.mode & S_IFMT == S_IFDIR || stat.mode & 0o111 != 0;
    if wanted & EXECUTE != 0 && !executable { Err(Errno::EACCES) } else { Ok(()) }
}

/// `node`, a directory, is to be the process's.
#[inline(always)]
pub fn give_to_process(_node: &Node) {}

/// User and group of `node`.
#[inline(always)]
pub fn owner_of(node: &Node) -> (u32, u32) {
    node.owner.get()
}

/// User and group of a new file that lies in no directory.
#[inline(always)]
pub fn new_owner() -> (u32, u32) {
    (0, 0)
}

/// Whether who acts may do to a file of this user what its owner may.
#[inline(always)]
pub fn check_owner(_user: u32) -> Result<(), Errno> {
    Ok(())
}

/// Whether `parent` may get a new entry.
#[inline(always)]
pub fn check_new(_parent: &Node) -> Result<(), Errno> {
    Ok(())
}

/// Whether `node` may lose its entry in `parent`.
#[inline(always)]
pub fn check_removal(_parent: &Node, _node: &Node) -> Result<(), Errno> {
    Ok(())
}

/// Whether a directory may get another parent.
#[inline(always)]
pub fn check_move(_node: &Node) -> Result<(), Errno> {
    Ok(())
}

/// Whether a file may get a further name.
#[inline(always)]
pub fn check_link(_node: &Node) -> Result<(), Errno> {
    Ok(())
}

/// Whether a symbolic link may be followed.
#[inline(always)]
pub fn check_following(_is_last: bool, _parent: &Node, _link: &Option<Rc<Node>>) -> Result<(), Errno> {
    Ok(())
}

/// Whether a file may be opened with O_CREAT.
#[inline(always)]
pub fn check_existing(_parent: &Node, _node: &Node) -> Result<(), Errno> {
    Ok(())
}

/// Whether devices may be made.
#[inline(always)]
pub fn check_making_devices() -> Result<(), Errno> {
    Ok(())
}

/// Gives `node`, new in `parent`, the group of a directory with the set-group-id bit, which a directory inherits (fs/inode.c,
/// inode_init_owner).
#[inline(always)]
pub fn own(parent: Option<&Node>, node: &Node, _asked: u32) {
    if let Some(parent) = parent.filter(|parent| parent.permissions.get() & 0o2000 != 0) {
        inherit(parent, node);
    }
}

#[cold]
#[inline(never)]
fn inherit(parent: &Node, node: &Node) {
    node.owner.set((0, parent.owner.get().1));
    if node.directory().is_some() {
        node.permissions.set(node.permissions.get() | 0o2000);
    }
}

/// The permission bits that a file gets where `bits` are asked for.
#[inline(always)]
pub fn bits_to_set(_owner: (u32, u32), bits: u32) -> Result<u32, Errno> {
    Ok(bits)
}

/// The permission bits of a file that changes its owner: only a directory keeps its set-id bits. Without execution for the group,
/// its set-id bit means something else and stays.
#[inline(always)]
pub fn bits_after_change(_old: (u32, u32), _new: (u32, u32), bits: u32, is_directory: bool) -> Result<u32, Errno> {
    let set_group = if bits & 0o010 != 0 { 0o2000 } else { 0 };
    Ok(if is_directory { bits } else { bits & !(0o4000 | set_group) })
}

/// A regular file was written or cut.
#[inline(always)]
pub fn note_change_of_contents(_node: &Node) {}

/// Whether the times of a file may be set.
#[inline(always)]
pub fn check_times(_node: &Node, _is_now: bool) -> Result<(), Errno> {
    Ok(())
}

/// Whether an extended attribute may be used.
#[inline(always)]
pub fn check_attribute(_node: &Node, _name: &[u8], _wanted: u32) -> Result<(), Errno> {
    Ok(())
}

/// Whether trusted attributes are listed.
#[inline(always)]
pub fn lists_trusted() -> bool {
    true
}

/// Does `work` in the name of the real ids of `credentials`.
#[inline(always)]
pub fn with_real_ids<R>(_credentials: Credentials, work: impl FnOnce() -> R) -> R {
    work()
}

/// Whether a file without a name may get one by its descriptor.
#[inline(always)]
pub fn may_name_descriptors() -> bool {
    true
}

/// From here on the kernel itself looks at files.
#[inline(always)]
pub fn act_as_kernel() {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::directory::Directory;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::Kind;

    #[test]
    fn groups_of_directories() {
        let mut tree = FileTree::new();
        let [parent, node] = [0o2755, 0o700].map(|bits| tree.new_node(Kind::Directory(Directory::default()), bits));
        parent.owner.set((3, 4));
        own(Some(&parent), &node, 0o700);
        assert_eq!((node.owner.get(), node.permissions.get()), ((0, 4), 0o2700));
        assert_eq!(bits_after_change((0, 0), (1, 1), 0o6754, false), Ok(0o754));
        assert_eq!(bits_after_change((0, 0), (1, 1), 0o6744, false), Ok(0o2744));
    }
}
