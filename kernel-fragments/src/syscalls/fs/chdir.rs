//! `chdir(2)`: <https://man7.org/linux/man-pages/man2/chdir.2.html>. Supported: everything. Errors: EFAULT, ENOENT,
//! ENOTDIR, ELOOP, ENAMETOOLONG, EACCES.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::file_rights::{EXECUTE, check};
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::read_nonempty_path;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(49 => chdir);

/// Makes the directory at `path` the one that relative paths start from.
pub fn chdir(memory: &mut impl UserMemory, tree: &mut FileTree, boot: &BootInfo, path: UserAddress) -> SysResult {
    let path = read_nonempty_path(memory, path)?;
    let start = tree.working_directory(boot);
    let directory = tree.find(boot, &start, path, Last::Follow)?;
    directory.directory().ok_or(Errno::ENOTDIR)?;
    check(&directory, EXECUTE)?;
    tree.set_working_directory(directory);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn only_to_directories() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(64), FileTree::new(), boot_with(&[("/a/f", "", 0)]));
        let mut call = |path: &str| {
            let path = memory.put_c_string(0, path);
            chdir(&mut memory, &mut tree, &boot, path)
        };
        assert_eq!(call("nope"), Err(Errno::ENOENT.into()));
        assert_eq!(call(""), Err(Errno::ENOENT.into()));
        assert_eq!(call("a/f"), Err(Errno::ENOTDIR.into()));
        assert_eq!(call("a"), Ok(0));
        assert_eq!(call("a"), Err(Errno::ENOENT.into()));
        assert_eq!(call("f"), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(".."), Ok(0));
        assert_eq!(call("a/."), Ok(0));
    }
}
