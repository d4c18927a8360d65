//! `recvfrom(2)`: <https://man7.org/linux/man-pages/man2/recv.2.html>. Supported: sockets that are not connected; not supported: waiting
//! for one that nobody sends to. Errors: EBADF, ENOTSOCK, EINVAL, ENOTCONN, EAGAIN.

use crate::errno::{Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{DONTWAIT, Socket, refuse_receiving, socket_of};
use crate::user_memory::UserAddress;

syscall!(207 => recvfrom);

/// Receives up to `len_bytes` bytes from socket `fd` to `buffer`.
pub fn recvfrom(
    descriptors: &mut Descriptors,
    fd: Fd,
    _buffer: UserAddress,
    _len_bytes: usize,
    flags: u32,
) -> SysResult {
    let open = descriptors.get(fd)?;
    match socket_of(open)? {
        Socket::Alone(socket) => Err(refuse_receiving(socket, !open.is_nonblocking() && flags & DONTWAIT == 0)),
        Socket::Paired(_) => Err(Refusal::Unsupported("receiving where no pair can be")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::net::socket::socket;

    #[test]
    fn nobody_sends() {
        let mut descriptors = Descriptors::new();
        for kind in [1, 2, 5] {
            assert!(socket(&mut descriptors, 1, kind, 0).is_ok());
        }
        let mut call = |fd, flags| recvfrom(&mut descriptors, Fd(fd), UserAddress::NULL, 1, flags);
        assert_eq!((call(3, 0), call(5, 0)), (Err(Errno::EINVAL.into()), Err(Errno::ENOTCONN.into())));
        assert_eq!((call(4, DONTWAIT), call(0, 0)), (Err(Errno::EAGAIN.into()), Err(Errno::ENOTSOCK.into())));
        assert!(matches!(call(4, 0), Err(Refusal::Unsupported(_))));
    }
}
