//! `getsockname(2)`: <https://man7.org/linux/man-pages/man2/getsockname.2.html>. Supported: everything: no socket here has a name.
//! Errors: EBADF, ENOTSOCK, EINVAL, EFAULT.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{AF_UNIX, socket_of, store_address};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(204 => getsockname);

/// Stores the address of socket `fd` at `address`, and its length at `len_address`.
pub fn getsockname(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    address: UserAddress,
    len_address: UserAddress,
) -> SysResult {
    socket_of(descriptors.get(fd)?)?;
    store_address(memory, &(AF_UNIX as u16).to_le_bytes(), address, len_address)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::net::socket::socket;
    use crate::testing::FakeMemory;

    #[test]
    fn only_the_family() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(3));
        let (at, length) = (memory.address(0), memory.put(8, &[110, 0, 0, 0]));
        assert_eq!(getsockname(&mut memory, &mut descriptors, Fd(3), at, length), Ok(0));
        assert_eq!((memory.bytes(0, 3), memory.bytes(8, 1)), (&[1, 0, 0][..], &[2][..]));
        assert_eq!(getsockname(&mut memory, &mut descriptors, Fd(1), at, length), Err(Errno::ENOTSOCK.into()));
    }
}
