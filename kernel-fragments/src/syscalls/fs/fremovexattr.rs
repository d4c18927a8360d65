//! `fremovexattr(2)`: <https://man7.org/linux/man-pages/man2/removexattr.2.html>. Supported: everything. Errors: EBADF,
//! EFAULT, ERANGE, EPERM, ENODATA, EOPNOTSUPP, EINVAL.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::attributes::{attribute_name, remove_attribute};
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(16 => fremovexattr);

/// Removes the extended attribute whose name lies at `name`: of an open file.
pub fn fremovexattr(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    name: UserAddress,
) -> SysResult {
    let file = &descriptors.get(fd)?.file;
    remove_attribute(file.node(), attribute_name(memory, name)?)
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
        let name = memory.put_c_string(0, "user.a");
        let (file, path) = (open_with(&mut descriptors, b"", O_RDONLY), open_with(&mut descriptors, b"", O_PATH));
        let mut call = |fd| fremovexattr(&mut memory, &mut descriptors, fd, name);
        assert_eq!(call(file), Err(Errno::ENODATA.into()));
        assert_eq!((call(path), call(Fd(99))), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
    }
}
