//! `statfs(2)`: <https://man7.org/linux/man-pages/man2/statfs.2.html>. Supported: everything. The tree is a tmpfs without limits,
//! which says 0 of its size; `/proc`, `/sys` and `/dev` belong to it. Errors: EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG.

use crate::abi::at_flags::AT_FDCWD;
use crate::abi::statfs::write_statfs;
use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::node::TREE_DEVICE;
use crate::subsystems::paths::{read_nonempty_path, start_directory};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(43 => statfs);

/// Stores what is known of the file system of the file at `path` at `address`.
pub fn statfs(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    address: UserAddress,
) -> SysResult {
    let path = read_nonempty_path(memory, path)?;
    let start = start_directory(descriptors, tree, boot, AT_FDCWD, path)?;
    tree.find(boot, &start, path, Last::Follow)?;
    write_statfs(memory, address, TREE_DEVICE)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn one_tmpfs() {
        let mut memory = FakeMemory::new(256);
        let (mut descriptors, mut tree, boot) = (Descriptors::new(), FileTree::new(), boot_with(&[("/f", "", 0)]));
        let buffer = memory.address(64);
        let mut call = |memory: &mut FakeMemory, path: &str, buffer| {
            let path = memory.put_c_string(0, path);
            statfs(memory, &mut descriptors, &mut tree, &boot, path, buffer)
        };
        assert_eq!(call(&mut memory, "f", buffer), Ok(0));
        assert_eq!((memory.bytes(64, 4), memory.bytes(72, 2)), (&[0x94, 0x19, 2, 1][..], &[0, 16][..]));
        assert_eq!(call(&mut memory, "nope", buffer), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut memory, "f/", buffer), Err(Errno::ENOTDIR.into()));
        assert_eq!(call(&mut memory, "f", UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
