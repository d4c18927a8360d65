//! `getpeername(2)`: <https://man7.org/linux/man-pages/man2/getpeername.2.html>. Supported: everything: no socket here has a name.
//! Errors: EBADF, ENOTSOCK, ENOTCONN, EINVAL, EFAULT.

use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{AF_UNIX, Socket, socket_of, store_address};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(205 => getpeername);

/// Stores the address of the other end of socket `fd` at `address`, and its length at `len_address`.
pub fn getpeername(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    address: UserAddress,
    len_address: UserAddress,
) -> SysResult {
    match socket_of(descriptors.get(fd)?)? {
        Socket::Paired(socket) if socket.is_connected() => {
            store_address(memory, &(AF_UNIX as u16).to_le_bytes(), address, len_address)?;
            Ok(0)
        }
        _ => Err(Errno::ENOTCONN.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::net::socket::socket;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing::FakeMemory;

    #[test]
    fn only_connected_ones() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        let at = memory.address(0);
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(3));
        assert_eq!(socketpair(&mut memory, &mut descriptors, 1, 1, 0, at), Ok(0));
        let length = memory.put(8, &[1, 0, 0, 0]);
        let mut call = |fd| getpeername(&mut memory, &mut descriptors, Fd(fd), at, length);
        assert_eq!((call(3), call(4)), (Err(Errno::ENOTCONN.into()), Ok(0)));
        assert_eq!((memory.bytes(0, 1), memory.bytes(8, 1)), (&[1][..], &[2][..]));
    }
}
