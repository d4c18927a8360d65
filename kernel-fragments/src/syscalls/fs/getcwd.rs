//! `getcwd(2)`: <https://man7.org/linux/man-pages/man2/getcwd.2.html>. Supported: everything. Errors: ERANGE, EFAULT,
//! ENOENT, ENAMETOOLONG.

use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::file_tree::{FileTree, MAX_PATH_BYTES};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(17 => getcwd);

/// Writes the working directory's path with its terminating zero to `address` and returns the number of bytes.
pub fn getcwd(
    memory: &mut impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    address: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let directory = tree.working_directory(boot);
    let mut path = tree.path_of(&directory)?;
    path.push(0);
    if path.len() > MAX_PATH_BYTES {
        return Err(Errno::ENAMETOOLONG.into());
    }
    if path.len() > len_bytes {
        return Err(Errno::ERANGE.into());
    }
    memory.write(address, &path)?;
    Ok(path.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::file_tree::Last;
    use crate::subsystems::image_data::boot_with;
    use crate::testing::FakeMemory;

    #[test]
    fn path_with_its_zero() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(64), FileTree::new(), boot_with(&[("/a/b/c", "", 0)]));
        let buffer = memory.address(0);
        assert_eq!(getcwd(&mut memory, &mut tree, &boot, buffer, 64), Ok(2));
        assert_eq!(memory.bytes(0, 2), b"/\0");
        let root = tree.root(&boot);
        let directory = tree.find(&boot, &root, b"a/b", Last::Keep).expect("it is implied");
        tree.set_working_directory(directory);
        assert_eq!(getcwd(&mut memory, &mut tree, &boot, buffer, 5), Ok(5));
        assert_eq!(memory.bytes(0, 5), b"/a/b\0");
        assert_eq!(getcwd(&mut memory, &mut tree, &boot, UserAddress(8), 4), Err(Errno::ERANGE.into()));
        assert_eq!(getcwd(&mut memory, &mut tree, &boot, UserAddress(8), 5), Err(Errno::EFAULT.into()));
        let parent = tree.find(&boot, &root, b"a", Last::Keep).expect("it is implied");
        tree.unlink(&parent, b"b");
        assert_eq!(getcwd(&mut memory, &mut tree, &boot, buffer, 64), Err(Errno::ENOENT.into()));
    }

    #[test]
    fn directories_know_their_path() {
        let boot = boot_with(&[("/data/sub/x", "", 0o600)]);
        let mut tree = FileTree::new();
        let root = tree.root(&boot);
        assert_eq!(tree.path_of(&root), Ok(b"/".to_vec()));
        let sub = tree.find(&boot, &root, b"data/sub", Last::Follow).expect("it is implied");
        assert_eq!(tree.path_of(&sub), Ok(b"/data/sub".to_vec()));
        let data = tree.find(&boot, &root, b"data", Last::Follow).expect("it is implied");
        tree.unlink(&data, b"sub");
        assert_eq!(tree.path_of(&sub), Err(Errno::ENOENT));
    }
}
