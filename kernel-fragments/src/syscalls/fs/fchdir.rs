//! `fchdir(2)`: <https://man7.org/linux/man-pages/man2/fchdir.2.html>. Supported: everything. Errors: EBADF, ENOTDIR, EACCES.

use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{EXECUTE, check};
use crate::subsystems::file_tree::FileTree;

syscall!(50 => fchdir);

/// Makes the directory behind `fd` the one that relative paths start from.
pub fn fchdir(descriptors: &mut Descriptors, tree: &mut FileTree, fd: Fd) -> SysResult {
    let node = descriptors.any(fd)?.file.node().filter(|node| node.directory().is_some()).ok_or(Errno::ENOTDIR)?;
    check(node, EXECUTE)?;
    tree.set_working_directory(node.clone());
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_PATH;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::TreeFile;
    use alloc::boxed::Box;

    #[test]
    fn to_an_open_directory() {
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/a/f", "", 0)]));
        assert_eq!(fchdir(&mut descriptors, &mut tree, Fd(9)), Err(Errno::EBADF.into()));
        assert_eq!(fchdir(&mut descriptors, &mut tree, Fd(1)), Err(Errno::ENOTDIR.into()));
        let root = tree.root(&boot);
        let directory = tree.find(&boot, &root, b"a", Last::Keep).expect("it is implied");
        let file = OpenFile::new(Box::new(TreeFile(directory.clone())), O_PATH);
        let fd = descriptors.insert(file, false, 0).expect("there is room");
        assert_eq!(fchdir(&mut descriptors, &mut tree, fd), Ok(0));
        assert_eq!(tree.working_directory(&boot).inode, directory.inode);
    }
}
