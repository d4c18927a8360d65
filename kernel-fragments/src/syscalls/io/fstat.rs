//! `fstat(2)`: <https://man7.org/linux/man-pages/man2/fstat.2.html>. Supported: everything; standard streams are pipes.
//! Errors: EBADF, EFAULT.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(80 => fstat);

/// Writes what is known of an open file to `address`.
pub fn fstat(memory: &mut impl UserMemory, descriptors: &mut Descriptors, fd: Fd, address: UserAddress) -> SysResult {
    let stat = descriptors.any(fd)?.file.stat();
    memory.write_words(address, stat.encode())?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing::FakeMemory;

    #[test]
    fn standard_streams_are_pipes() {
        let (mut memory, mut descriptors) = (FakeMemory::new(128), Descriptors::new());
        let buffer = memory.address(0);
        assert_eq!(fstat(&mut memory, &mut descriptors, Fd(1), buffer), Ok(0));
        assert_eq!(memory.bytes(16, 4), 0o10600u32.to_le_bytes());
        assert_eq!(fstat(&mut memory, &mut descriptors, Fd(3), UserAddress::NULL), Err(Errno::EBADF.into()));
        assert_eq!(fstat(&mut memory, &mut descriptors, Fd(0), UserAddress::NULL), Err(Errno::EFAULT.into()));
    }
}
