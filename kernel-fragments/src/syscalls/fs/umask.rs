//! `umask(2)`: <https://man7.org/linux/man-pages/man2/umask.2.html>. Supported: everything. Errors: none.

use crate::errno::SysResult;
use crate::subsystems::file_tree::FileTree;

syscall!(166 => umask);

/// Sets the permission bits that new files do not get and returns those from before.
pub fn umask(tree: &mut FileTree, mask: u32) -> SysResult {
    let before = tree.umask;
    tree.umask = mask & 0o777;
    Ok(before as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_nine_bits() {
        let mut tree = FileTree::new();
        assert_eq!(umask(&mut tree, 0o7777), Ok(0o022));
        assert_eq!(umask(&mut tree, 0), Ok(0o777));
    }
}
