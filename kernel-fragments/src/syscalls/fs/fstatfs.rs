//! `fstatfs(2)`: <https://man7.org/linux/man-pages/man2/statfs.2.html>. Supported: everything. The tree is a tmpfs without limits,
//! which says 0 of its size. Errors: EBADF, EFAULT.

use crate::abi::statfs::write_statfs;
use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(44 => fstatfs);

/// Stores what is known of the file system of an open file at `address`.
pub fn fstatfs(memory: &mut impl UserMemory, descriptors: &mut Descriptors, fd: Fd, address: UserAddress) -> SysResult {
    let device = descriptors.any(fd)?.file.stat().device;
    write_statfs(memory, address, device)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn pipes_have_one_too() {
        let (mut memory, mut descriptors) = (FakeMemory::new(128), Descriptors::new());
        let buffer = memory.address(0);
        assert_eq!(fstatfs(&mut memory, &mut descriptors, Fd(1), buffer), Ok(0));
        assert_eq!(memory.bytes(0, 4), b"EPIP");
        assert_eq!(fstatfs(&mut memory, &mut descriptors, Fd(9), buffer), Err(Errno::EBADF.into()));
        assert_eq!(fstatfs(&mut memory, &mut descriptors, Fd(1), UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
