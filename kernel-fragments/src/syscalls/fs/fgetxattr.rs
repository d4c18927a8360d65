//! `fgetxattr(2)`: <https://man7.org/linux/man-pages/man2/getxattr.2.html>. Supported: everything; there are no access
//! control lists. Errors: EBADF, EFAULT, ERANGE, ENODATA, EOPNOTSUPP, EINVAL.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::attributes::get_attribute;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(10 => fgetxattr);

/// Stores the value of the extended attribute whose name lies at `name` at `value` and returns its length; 0 for `len_bytes` only
/// asks for that: of an open file.
pub fn fgetxattr(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    name: UserAddress,
    value: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let file = &descriptors.get(fd)?.file;
    get_attribute(memory, file.node(), name, value, len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY};
    use crate::errno::Errno;
    use crate::subsystems::tree_file::open_with;
    use crate::testing::FakeMemory;

    #[test]
    fn of_an_open_file() {
        let (mut memory, mut descriptors) = (FakeMemory::new(128), Descriptors::new());
        let (name, value) = (memory.put_c_string(0, "user.a"), memory.address(64));
        let (file, path) = (open_with(&mut descriptors, b"", O_RDONLY), open_with(&mut descriptors, b"", O_PATH));
        let mut call = |fd| fgetxattr(&mut memory, &mut descriptors, fd, name, value, 1);
        assert_eq!(call(file), Err(Errno::ENODATA.into()));
        assert_eq!((call(path), call(Fd(99))), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
    }
}
