//! `truncate(2)`: <https://man7.org/linux/man-pages/man2/truncate.2.html>. Supported: everything. Errors: EINVAL, EFAULT,
//! ENOENT, ENOTDIR, EISDIR, EACCES, ELOOP, ENAMETOOLONG, ENOSPC.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::file_rights::{WRITE, check};
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::Kind;
use crate::subsystems::paths::read_nonempty_path;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(45 => truncate);

/// Cuts the file at `path` to `size_bytes`, or lengthens it by zeros.
pub fn truncate(
    memory: &mut impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    size_bytes: i64,
) -> SysResult {
    let size_bytes = u64::try_from(size_bytes).map_err(|_| Errno::EINVAL)?;
    let path = read_nonempty_path(memory, path)?;
    let start = tree.working_directory(boot);
    let node = tree.find(boot, &start, path, Last::Follow)?;
    match &node.kind {
        Kind::Regular(contents) => {
            check(&node, WRITE)?;
            contents.truncate(size_bytes)?;
            node.note_new_contents();
        }
        Kind::Directory(_) => return Err(Errno::EISDIR.into()),
        Kind::Fixed(_) | Kind::Process(_) => return Err(Errno::EACCES.into()),
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn regular_files_only() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(64), FileTree::new(), boot_with(&[("/f", "hello", 0)]));
        let mut call = |path: &str, size_bytes| {
            let path = memory.put_c_string(0, path);
            truncate(&mut memory, &mut tree, &boot, path, size_bytes)
        };
        assert_eq!(call("nope", -1), Err(Errno::EINVAL.into()));
        assert_eq!(call("nope", 0), Err(Errno::ENOENT.into()));
        assert_eq!(call("tmp", 0), Err(Errno::EISDIR.into()));
        assert_eq!(call("/dev/null", 0), Err(Errno::EINVAL.into()));
        if !cfg!(miri) {
            assert_eq!(call("f", 1 << 62), Err(Errno::ENOSPC.into()));
        }
        assert_eq!(call("f", 2), Ok(0));
        let root = tree.root(&boot);
        assert_eq!(tree.find(&boot, &root, b"f", Last::Keep).map(|node| node.stat().size_bytes), Ok(2));
    }
}
