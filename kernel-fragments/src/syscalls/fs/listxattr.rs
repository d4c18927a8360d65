//! `listxattr(2)`: <https://man7.org/linux/man-pages/man2/listxattr.2.html>. Supported: everything. Errors: EFAULT,
//! ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ERANGE.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::attributes::list_attributes;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::file_at;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(11 => listxattr);

/// Stores the names of all extended attributes at `list`, each ended by a NUL, and returns their length; 0 for `len_bytes` only
/// asks for that: of the file at `path`.
pub fn listxattr(
    memory: &mut impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    list: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let node = file_at(memory, tree, boot, path, Last::Follow)?;
    list_attributes(memory, Some(&node), list, len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::attributes::NewAttribute;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::testing::FakeMemory;

    #[test]
    fn links_are_followed() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(256), FileTree::new(), boot_with(&[("/f", "", 0o644)]));
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink(b"f"[..].into()), 0o777);
        tree.link(&root, b"link", &link);
        let (key, one) = (memory.put_c_string(192, "trusted.a"), memory.put(128, b"v"));
        let target = tree.find(&boot, &root, b"f", Last::Keep).expect("it is committed");
        let new = NewAttribute::read(&memory, key, one, 1, 0).expect("it is well formed");
        assert_eq!(new.set(Some(&target)), Ok(0));
        let list = memory.address(128);
        let call = |memory: &mut FakeMemory, tree: &mut FileTree, path| {
            let path = memory.put_c_string(0, path);
            listxattr(memory, tree, &boot, path, list, 16)
        };
        assert_eq!(call(&mut memory, &mut tree, "link"), Ok(10));
        assert_eq!(call(&mut memory, &mut tree, "f"), Ok(10));
        assert_eq!(call(&mut memory, &mut tree, "nope"), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut memory, &mut tree, ""), Err(Errno::ENOENT.into()));
    }
}
