//! `fchmodat(2)`: <https://man7.org/linux/man-pages/man2/chmod.2.html>. Supported: everything. Errors: EFAULT, ENOENT, ENOTDIR, EBADF.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(53 => fchmodat);

/// Sets the permission bits of the file at `path`, relative to `directory`.
pub fn fchmodat(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    directory: Fd,
    path: UserAddress,
    mode: u32,
) -> SysResult {
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, directory, path)?;
    tree.find(boot, &start, path, Last::Follow)?.set_permissions(mode & 0o7777)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::at_flags::AT_FDCWD;
    use crate::errno::Errno;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn sets_twelve_bits() {
        let mut memory = FakeMemory::new(64);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/f", "", 0)]));
        let mut call = |path: &str| {
            let path = memory.put_c_string(0, path);
            fchmodat(&mut memory, &mut descriptors, &mut tree, &boot, AT_FDCWD, path, 0o777_4755)
        };
        assert_eq!(call("nope"), Err(Errno::ENOENT.into()));
        assert_eq!(call("f"), Ok(0));
        let root = tree.root(&boot);
        assert_eq!(tree.find(&boot, &root, b"f", Last::Keep).map(|node| node.stat().mode), Ok(0o104755));
    }
}
