//! `sendto(2)`: <https://man7.org/linux/man-pages/man2/send.2.html>. Supported: sockets that are not connected; not supported:
//! sending to an address. Errors: EBADF, ENOTSOCK, ENOTCONN, EOPNOTSUPP, EINVAL, EFAULT.

use crate::errno::{Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{Socket, has_address, refuse_sending, socket_of};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(206 => sendto);

/// Sends the `len_bytes` bytes at `buffer` by socket `fd`, to the address at `address` if there is one.
pub fn sendto(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    _buffer: UserAddress,
    _len_bytes: usize,
    _flags: u32,
    address: UserAddress,
    address_bytes: i32,
) -> SysResult {
    let socket = socket_of(descriptors.get(fd)?)?;
    let has_address = has_address(memory, address, address_bytes)?;
    match socket {
        Socket::Alone(socket) => Err(refuse_sending(socket, has_address)),
        Socket::Paired(_) => Err(Refusal::Unsupported("sending where no pair can be")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::net::socket::socket;
    use crate::testing::FakeMemory;

    #[test]
    fn nobody_listens() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        for kind in [1, 2, 5] {
            assert!(socket(&mut descriptors, 1, kind, 0).is_ok());
        }
        let (at, null) = (memory.address(0), UserAddress::NULL);
        let mut call = |fd, to, bytes| sendto(&mut memory, &mut descriptors, Fd(fd), at, 1, 0, to, bytes);
        assert_eq!(call(3, null, 0), Err(Errno::ENOTCONN.into()));
        assert_eq!(call(3, at, 4), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!(call(4, null, 0), Err(Errno::ENOTCONN.into()));
        assert!(matches!(call(4, at, 4), Err(Refusal::Unsupported(_))));
        assert_eq!((call(5, at, 4), call(1, null, 0)), (Err(Errno::ENOTCONN.into()), Err(Errno::ENOTSOCK.into())));
        assert_eq!((call(9, null, 0), call(3, at, -1)), (Err(Errno::EBADF.into()), Err(Errno::EINVAL.into())));
    }
}
