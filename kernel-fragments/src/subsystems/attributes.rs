//! Extended attributes (`xattr(7)`) of files, as a tmpfs keeps them (mm/shmem.c, fs/xattr.c): `user.` for regular files and
//! directories, `trusted.` for all. There are no access control lists and no security modules.

use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::file_rights::{READ, WRITE, check_attribute, lists_trusted};
use crate::subsystems::node::{Kind, Node};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// Longest name, in bytes (XATTR_NAME_MAX).
const MAX_NAME_BYTES: usize = 255;
/// Longest value, in bytes (XATTR_SIZE_MAX).
const MAX_VALUE_BYTES: usize = 65536;
/// `setxattr`: the attribute must be new.
const XATTR_CREATE: u32 = 1;
/// `setxattr`: the attribute must be there.
const XATTR_REPLACE: u32 = 2;

/// The attributes of one file, in the order of their names.
#[derive(Default)]
pub struct Attributes(Cell<Vec<Attribute>>);

struct Attribute {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// `bytes` on the kernel's heap; ENOMEM if it is full.
fn copy_of(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| Errno::ENOMEM)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

impl Attributes {
    /// Works on them; `work` must not come back here.
    fn with<R>(&self, work: impl FnOnce(&mut Vec<Attribute>) -> R) -> R {
        let mut attributes = self.0.take();
        let result = work(&mut attributes);
        self.0.set(attributes);
        result
    }
}

/// An attribute that is to be set, as the program wrote it: looked at before the file is.
pub struct NewAttribute<'a> {
    name: &'a [u8],
    value: &'a [u8],
    flags: u32,
}

impl<'a> NewAttribute<'a> {
    /// The attribute whose name lies at `name`, with the `len_bytes` bytes at `value`.
    ///
    /// # Errors
    /// EINVAL, ERANGE, E2BIG, EFAULT.
    pub fn read(
        memory: &'a impl UserMemory,
        name: UserAddress,
        value: UserAddress,
        len_bytes: usize,
        flags: u32,
    ) -> Result<NewAttribute<'a>, Errno> {
        if flags & !(XATTR_CREATE | XATTR_REPLACE) != 0 {
            return Err(Errno::EINVAL);
        }
        let name = attribute_name(memory, name)?;
        if len_bytes > MAX_VALUE_BYTES {
            return Err(Errno::E2BIG);
        }
        Ok(NewAttribute { name, value: memory.slice(value, len_bytes)?, flags })
    }

    /// Sets it.
    ///
    /// # Errors
    /// EPERM, EOPNOTSUPP, EINVAL, EEXIST, ENODATA, ENOMEM.
    pub fn set(self, node: Option<&Rc<Node>>) -> SysResult {
        let NewAttribute { name, value, flags } = self;
        if is_access_list(name) || name.starts_with(b"security.") {
            return Err(Refusal::Unsupported("setting an access control list or a security attribute"));
        }
        let set = kept_by(node, name, WRITE)?.with(|attributes| {
            match attributes.binary_search_by(|known| known.name[..].cmp(name)) {
                Ok(_) if flags & XATTR_CREATE != 0 => Err(Errno::EEXIST.into()),
                Err(_) if flags & XATTR_REPLACE != 0 => Err(Errno::ENODATA.into()),
                Ok(index) => {
                    let value = copy_of(value)?;
                    if let Some(attribute) = attributes.get_mut(index) {
                        attribute.value = value;
                    }
                    Ok(0)
                }
                Err(index) => {
                    let attribute = Attribute { name: copy_of(name)?, value: copy_of(value)? };
                    attributes.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                    attributes.insert(index, attribute);
                    Ok(0)
                }
            }
        });
        set.inspect(|_| note_change(node))
    }
}

/// An attribute of `node` was changed.
fn note_change(node: Option<&Rc<Node>>) {
    if let Some(node) = node {
        node.note_change();
    }
}

/// Stores the value of the attribute whose name lies at `name` at `value`, where `len_bytes` bytes are (0: only its length is
/// asked for), and returns its length.
///
/// # Errors
/// ERANGE, EFAULT, ENODATA, EOPNOTSUPP, EINVAL.
pub fn get_attribute(
    memory: &mut impl UserMemory,
    node: Option<&Rc<Node>>,
    name: UserAddress,
    value: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let name = attribute_name(memory, name)?;
    if is_access_list(name) {
        return Err(access_list_error(node).into());
    }
    let name = copy_of(name)?;
    kept_by(node, &name, READ)?.with(|attributes| {
        let index = attributes.binary_search_by(|known| known.name.cmp(&name)).map_err(|_| Errno::ENODATA)?;
        let found = attributes.get(index).map(|attribute| &attribute.value[..]).unwrap_or_default();
        store(memory, value, len_bytes, found)
    })
}

/// Stores the names of all attributes at `list`, each with a NUL behind it, and returns their length together; as
/// [`get_attribute`].
///
/// # Errors
/// ERANGE, EFAULT.
pub fn list_attributes(
    memory: &mut impl UserMemory,
    node: Option<&Rc<Node>>,
    list: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let Some(node) = node else { return Ok(0) };
    node.attributes.with(|attributes| {
        let mut names = Vec::new();
        let is_listed = |attribute: &&mut Attribute| lists_trusted() || !attribute.name.starts_with(b"trusted.");
        let total_bytes = attributes.iter_mut().filter(is_listed).map(|attribute| attribute.name.len() + 1).sum();
        names.try_reserve_exact(total_bytes).map_err(|_| Errno::ENOMEM)?;
        for attribute in attributes.iter_mut().filter(is_listed) {
            names.extend_from_slice(&attribute.name);
            names.push(0);
        }
        store(memory, list, len_bytes, &names)
    })
}

/// Removes the attribute `name`.
///
/// # Errors
/// EPERM, ENODATA, EOPNOTSUPP, EINVAL.
pub fn remove_attribute(node: Option<&Rc<Node>>, name: &[u8]) -> SysResult {
    if is_access_list(name) {
        // There is none; removing it changes nothing (fs/posix_acl.c, vfs_remove_acl).
        return match access_list_error(node) {
            Errno::ENODATA => Ok(0),
            errno => Err(errno.into()),
        };
    }
    kept_by(node, name, WRITE)?.with(|attributes| {
        let index = attributes.binary_search_by(|known| known.name[..].cmp(name)).map_err(|_| Errno::ENODATA)?;
        attributes.remove(index);
        note_change(node);
        Ok(0)
    })
}

/// The name at `address`.
///
/// # Errors
/// ERANGE if it is empty or too long; EFAULT.
pub fn attribute_name(memory: &impl UserMemory, address: UserAddress) -> Result<&[u8], Errno> {
    match memory.c_string(address, MAX_NAME_BYTES + 1) {
        Ok([]) | Err(Errno::ENAMETOOLONG) => Err(Errno::ERANGE),
        name => name,
    }
}

/// The attributes among which `name` is kept, to be used in the way of `wanted`.
fn kept_by<'a>(node: Option<&'a Rc<Node>>, name: &[u8], wanted: u32) -> Result<&'a Attributes, Errno> {
    let is_plain = node.is_some_and(|node| matches!(node.kind, Kind::Regular(_) | Kind::Fixed(_) | Kind::Directory(_)));
    if name.starts_with(b"user.") && !is_plain {
        return Err(if wanted == WRITE { Errno::EPERM } else { Errno::ENODATA });
    }
    if let Some(node) = node {
        check_attribute(node, name, wanted)?;
    }
    let node = node.filter(|node| !matches!(node.kind, Kind::Fixed(_))).ok_or(Errno::EOPNOTSUPP)?;
    match name {
        b"user." | b"trusted." | b"security." => Err(Errno::EINVAL),
        _ if [&b"user."[..], b"trusted.", b"security."].iter().any(|space| name.starts_with(space)) => {
            Ok(&node.attributes)
        }
        _ => Err(Errno::EOPNOTSUPP),
    }
}

/// Whether `name` stands for an access control list.
fn is_access_list(name: &[u8]) -> bool {
    matches!(name, b"system.posix_acl_access" | b"system.posix_acl_default")
}

/// What asking for an access control list is answered: there is none, or there could not be one.
fn access_list_error(node: Option<&Rc<Node>>) -> Errno {
    match node.map(|node| &node.kind) {
        Some(Kind::Regular(_) | Kind::Directory(_) | Kind::Device(_)) => Errno::ENODATA,
        _ => Errno::EOPNOTSUPP,
    }
}

fn store(memory: &mut impl UserMemory, address: UserAddress, len_bytes: usize, bytes: &[u8]) -> SysResult {
    if len_bytes > 0 {
        if bytes.len() > len_bytes {
            return Err(Errno::ERANGE.into());
        }
        memory.write(address, bytes)?;
    }
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::directory::Directory;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Device};
    use crate::testing::FakeMemory;

    struct Sample {
        memory: FakeMemory,
        node: Option<Rc<Node>>,
    }

    impl Sample {
        fn of(kind: Kind) -> Sample {
            Sample { memory: FakeMemory::new(70000), node: Some(FileTree::new().new_node(kind, 0o644)) }
        }

        fn file() -> Sample {
            Sample::of(Kind::Regular(Contents::empty()))
        }

        fn set(&mut self, name: &str, value: &str, flags: u32) -> SysResult {
            let name = self.memory.put_c_string(0, name);
            let place = self.memory.put(512, value.as_bytes());
            NewAttribute::read(&self.memory, name, place, value.len(), flags)?.set(self.node.as_ref())
        }

        fn get(&mut self, name: &str, len_bytes: usize) -> SysResult {
            let (name, place) = (self.memory.put_c_string(0, name), self.memory.address(1024));
            get_attribute(&mut self.memory, self.node.as_ref(), name, place, len_bytes)
        }

        fn list(&mut self, len_bytes: usize) -> SysResult {
            let place = self.memory.address(1024);
            list_attributes(&mut self.memory, self.node.as_ref(), place, len_bytes)
        }

        fn remove(&mut self, name: &str) -> SysResult {
            let name = self.memory.put_c_string(0, name);
            remove_attribute(self.node.as_ref(), attribute_name(&self.memory, name)?)
        }
    }

    #[test]
    fn set_get_list_remove() {
        let mut file = Sample::file();
        assert_eq!((file.list(0), file.get("user.a", 9)), (Ok(0), Err(Errno::ENODATA.into())));
        assert_eq!(file.set("user.b", "two", 0), Ok(0));
        assert_eq!(file.set("trusted.a", "", 0), Ok(0));
        assert_eq!(file.set("user.b", "x", XATTR_CREATE), Err(Errno::EEXIST.into()));
        assert_eq!(file.set("user.c", "x", XATTR_REPLACE), Err(Errno::ENODATA.into()));
        assert_eq!(file.set("user.b", "three", XATTR_REPLACE), Ok(0));
        assert_eq!((file.get("user.b", 0), file.get("user.b", 4)), (Ok(5), Err(Errno::ERANGE.into())));
        assert_eq!((file.get("user.b", 5), file.memory.bytes(1024, 6)), (Ok(5), &b"three\0"[..]));
        assert_eq!((file.list(0), file.list(16)), (Ok(17), Err(Errno::ERANGE.into())));
        assert_eq!((file.list(17), file.memory.bytes(1024, 17)), (Ok(17), &b"trusted.a\0user.b\0"[..]));
        assert_eq!((file.remove("user.b"), file.remove("user.b")), (Ok(0), Err(Errno::ENODATA.into())));
        assert_eq!(file.get("trusted.a", 9), Ok(0));
    }

    #[test]
    fn names_and_sizes() {
        let mut file = Sample::file();
        let long = format!("user.{}", "n".repeat(251));
        for (name, errno) in [
            ("", Errno::ERANGE),
            (&long, Errno::ERANGE),
            ("user.", Errno::EINVAL),
            ("name", Errno::EOPNOTSUPP),
            ("system.x", Errno::EOPNOTSUPP),
        ] {
            assert_eq!(file.set(name, "x", 0), Err(errno.into()), "{name}");
            assert_eq!(file.get(name, 1), Err(errno.into()), "{name}");
            assert_eq!(file.remove(name), Err(errno.into()), "{name}");
        }
        assert_eq!(file.set("user.a", "", 4), Err(Errno::EINVAL.into()));
        assert_eq!(file.set(&long[..255], "x", XATTR_CREATE), Ok(0));
        let name = file.memory.put_c_string(0, "user.a");
        let place = file.memory.address(512);
        let node = file.node.clone();
        let set = |len_bytes| NewAttribute::read(&file.memory, name, place, len_bytes, 0)?.set(node.as_ref());
        assert_eq!((set(MAX_VALUE_BYTES + 1), set(MAX_VALUE_BYTES)), (Err(Errno::E2BIG.into()), Ok(0)));
        let bad = NewAttribute::read(&file.memory, name, UserAddress(8), 1, 0);
        assert_eq!(bad.err(), Some(Errno::EFAULT));
    }

    #[test]
    fn what_a_file_is_decides() {
        let mut link = Sample::of(Kind::Symlink(b"x"[..].into()));
        assert_eq!(
            (link.set("user.a", "", 0), link.get("user.a", 0)),
            (Err(Errno::EPERM.into()), Err(Errno::ENODATA.into()))
        );
        assert_eq!((link.set("trusted.a", "1", 0), link.get("trusted.a", 0)), (Ok(0), Ok(1)));
        let mut device = Sample::of(Kind::Device(Device::Null));
        assert_eq!((device.remove("user.a"), device.list(0)), (Err(Errno::EPERM.into()), Ok(0)));
        let mut shown = Sample::of(Kind::Fixed(b""));
        assert_eq!((shown.get("user.a", 0), shown.list(0)), (Err(Errno::EOPNOTSUPP.into()), Ok(0)));
        let mut pipe = Sample { memory: FakeMemory::new(2048), node: None };
        assert_eq!(
            (pipe.get("user.a", 0), pipe.get("trusted.a", 0)),
            (Err(Errno::ENODATA.into()), Err(Errno::EOPNOTSUPP.into()))
        );
        assert_eq!(pipe.list(0), Ok(0));
    }

    #[test]
    fn access_lists_are_none() {
        let mut directory = Sample::of(Kind::Directory(Directory::default()));
        let name = "system.posix_acl_access";
        assert_eq!((directory.get(name, 9), directory.remove(name)), (Err(Errno::ENODATA.into()), Ok(0)));
        assert!(matches!(directory.set(name, "x", 0), Err(Refusal::Unsupported(_))));
        let mut link = Sample::of(Kind::Symlink(b"x"[..].into()));
        assert_eq!(
            (link.get(name, 9), link.remove(name)),
            (Err(Errno::EOPNOTSUPP.into()), Err(Errno::EOPNOTSUPP.into()))
        );
    }
}
