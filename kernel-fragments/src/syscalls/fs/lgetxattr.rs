//! `lgetxattr(2)`: <https://man7.org/linux/man-pages/man2/getxattr.2.html>. Supported: everything; there are no access
//! control lists. Errors: EFAULT, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ERANGE, ENODATA, EOPNOTSUPP, EINVAL.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::attributes::get_attribute;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::file_at;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(9 => lgetxattr);

/// Stores the value of the extended attribute whose name lies at `name` at `value` and returns its length; 0 for `len_bytes` only
/// asks for that: of the file at `path`, of a symbolic link itself.
pub fn lgetxattr(
    memory: &mut impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    name: UserAddress,
    value: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let node = file_at(memory, tree, boot, path, Last::Keep)?;
    get_attribute(memory, Some(&node), name, value, len_bytes)
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
    fn links_are_meant_themselves() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(256), FileTree::new(), boot_with(&[("/f", "", 0o644)]));
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink(b"f"[..].into()), 0o777);
        tree.link(&root, b"link", &link);
        let (key, one) = (memory.put_c_string(192, "trusted.a"), memory.put(128, b"v"));
        let target = tree.find(&boot, &root, b"f", Last::Keep).expect("it is committed");
        let new = NewAttribute::read(&memory, key, one, 1, 0).expect("it is well formed");
        assert_eq!(new.set(Some(&target)), Ok(0));
        let (name, value) = (memory.put_c_string(64, "trusted.a"), memory.address(128));
        let call = |memory: &mut FakeMemory, tree: &mut FileTree, path| {
            let path = memory.put_c_string(0, path);
            lgetxattr(memory, tree, &boot, path, name, value, 1)
        };
        assert_eq!(call(&mut memory, &mut tree, "link"), Err(Errno::ENODATA.into()));
        assert_eq!(call(&mut memory, &mut tree, "f"), Ok(1));
        assert_eq!(call(&mut memory, &mut tree, "nope"), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut memory, &mut tree, ""), Err(Errno::ENOENT.into()));
    }
}
