//! `recvmsg(2)`: <https://man7.org/linux/man-pages/man2/recv.2.html>. Supported: sockets that are not connected; not supported: waiting
//! for one that nobody sends to. Errors: EBADF, ENOTSOCK, EINVAL, ENOTCONN, EAGAIN, EFAULT, EMSGSIZE.

use crate::abi::message::Message;
use crate::errno::{Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{DONTWAIT, Socket, refuse_receiving, socket_of};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(212 => recvmsg);

/// Receives a message from socket `fd` to where the one at `message` says.
pub fn recvmsg(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    message: UserAddress,
    flags: u32,
) -> SysResult {
    let open = descriptors.get(fd)?;
    let socket = socket_of(open)?;
    Message::read(memory, message)?;
    match socket {
        Socket::Alone(socket) => Err(refuse_receiving(socket, !open.is_nonblocking() && flags & DONTWAIT == 0)),
        Socket::Paired(_) => Err(Refusal::Unsupported("receiving where no pair can be")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::net::socket::socket;
    use crate::testing::FakeMemory;

    #[test]
    fn nobody_sends() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(3));
        let at = memory.address(0);
        let mut call = |fd, at| recvmsg(&mut memory, &mut descriptors, Fd(fd), at, 0);
        assert_eq!((call(3, at), call(1, at)), (Err(Errno::EINVAL.into()), Err(Errno::ENOTSOCK.into())));
        assert_eq!(call(3, UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
