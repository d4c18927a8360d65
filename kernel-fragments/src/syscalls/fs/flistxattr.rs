//! `flistxattr(2)`: <https://man7.org/linux/man-pages/man2/listxattr.2.html>. Supported: everything. Errors: EBADF,
//! EFAULT, ERANGE.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::attributes::list_attributes;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(13 => flistxattr);

/// Stores the names of all extended attributes at `list`, each ended by a NUL, and returns their length; 0 for `len_bytes` only
/// asks for that: of an open file.
pub fn flistxattr(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    list: UserAddress,
    len_bytes: usize,
) -> SysResult {
    let file = &descriptors.get(fd)?.file;
    list_attributes(memory, file.node(), list, len_bytes)
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
        let list = memory.address(64);
        let (file, path) = (open_with(&mut descriptors, b"", O_RDONLY), open_with(&mut descriptors, b"", O_PATH));
        let mut call = |fd| flistxattr(&mut memory, &mut descriptors, fd, list, 1);
        assert_eq!(call(file), Ok(0));
        assert_eq!((call(path), call(Fd(99))), (Err(Errno::EBADF.into()), Err(Errno::EBADF.into())));
    }
}
