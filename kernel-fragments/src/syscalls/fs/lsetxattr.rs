//! `lsetxattr(2)`: <https://man7.org/linux/man-pages/man2/setxattr.2.html>. Supported: `user.` and `trusted.`
//! attributes, as a tmpfs keeps them; not supported: access control lists, `security.` attributes. Errors: EFAULT,
//! ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL, ERANGE, E2BIG, EPERM, EOPNOTSUPP, EEXIST, ENODATA.

use crate::boot_info::BootInfo;
use crate::errno::SysResult;
use crate::subsystems::attributes::NewAttribute;
use crate::subsystems::file_tree::{FileTree, Last};
use crate::subsystems::paths::file_at;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(6 => lsetxattr);

/// Sets the extended attribute whose name lies at `name` to the `len_bytes` bytes at `value`: of the file at `path`, of a symbolic link itself.
pub fn lsetxattr(
    memory: &mut impl UserMemory,
    tree: &mut FileTree,
    boot: &BootInfo,
    path: UserAddress,
    name: UserAddress,
    value: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    let new = NewAttribute::read(memory, name, value, len_bytes, flags)?;
    new.set(Some(&file_at(memory, tree, boot, path, Last::Keep)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::attributes::list_attributes;
    use crate::subsystems::image_data::boot_with;
    use crate::subsystems::node::Kind;
    use crate::testing::FakeMemory;

    #[test]
    fn links_are_meant_themselves() {
        let (mut memory, mut tree, boot) = (FakeMemory::new(256), FileTree::new(), boot_with(&[("/f", "", 0o644)]));
        let root = tree.root(&boot);
        let link = tree.new_node(Kind::Symlink(b"f"[..].into()), 0o777);
        tree.link(&root, b"link", &link);
        let (name, value) = (memory.put_c_string(64, "trusted.a"), memory.put(128, b"v"));
        let call = |memory: &mut FakeMemory, tree: &mut FileTree, path| {
            let path = memory.put_c_string(0, path);
            lsetxattr(memory, tree, &boot, path, name, value, 1, 0)
        };
        assert_eq!(call(&mut memory, &mut tree, "link"), Ok(0));
        let marked = |tree: &mut FileTree, path: &[u8]| {
            let node = tree.find(&boot, &root, path, Last::Keep).expect("it is there");
            list_attributes(&mut FakeMemory::new(8), Some(&node), UserAddress::NULL, 0)
        };
        assert_eq!((marked(&mut tree, b"f"), marked(&mut tree, b"link")), (Ok(0), Ok(10)));
        assert_eq!(call(&mut memory, &mut tree, "nope"), Err(Errno::ENOENT.into()));
        assert_eq!(call(&mut memory, &mut tree, ""), Err(Errno::ENOENT.into()));
    }
}
