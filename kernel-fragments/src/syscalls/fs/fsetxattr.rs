//! `fsetxattr(2)`: <https://man7.org/linux/man-pages/man2/setxattr.2.html>. Supported: `user.` and `trusted.`
//! attributes, as a tmpfs keeps them; not supported: access control lists, `security.` attributes. Errors: EBADF,
//! EFAULT, EINVAL, ERANGE, E2BIG, EPERM, EOPNOTSUPP, EEXIST, ENODATA.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::attributes::NewAttribute;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(7 => fsetxattr);

/// Sets the extended attribute whose name lies at `name` to the `len_bytes` bytes at `value`: of an open file.
pub fn fsetxattr(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    name: UserAddress,
    value: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    let file = &descriptors.get(fd)?.file;
    NewAttribute::read(memory, name, value, len_bytes, flags)?.set(file.node())
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
        let (name, value) = (memory.put_c_string(0, "user.a"), memory.put(64, b"v"));
        let (file, path) = (open_with(&mut descriptors, b"", O_RDONLY), open_with(&mut descriptors, b"", O_PATH));
        let mut call = |fd| fsetxattr(&mut memory, &mut descriptors, fd, name, value, 1, 0);
        assert_eq!(call(file), Ok(0));
        assert_eq!((call(path), call(Fd(99))), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
    }
}
