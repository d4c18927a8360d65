//! `sendmsg(2)`: <https://man7.org/linux/man-pages/man2/send.2.html>. Supported: sockets that are not connected; not supported:
//! sending to an address. Errors: EBADF, ENOTSOCK, ENOTCONN, EOPNOTSUPP, EINVAL, EFAULT, EMSGSIZE.

use crate::abi::message::Message;
use crate::errno::{Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{Socket, has_address, refuse_sending, socket_of};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(211 => sendmsg);

/// Sends the message at `message` by socket `fd`.
pub fn sendmsg(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    message: UserAddress,
    _flags: u32,
) -> SysResult {
    let socket = socket_of(descriptors.get(fd)?)?;
    let message = Message::read(memory, message)?;
    let has_address = has_address(memory, message.name, message.name_bytes)?;
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
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(3));
        let at = memory.address(0);
        let mut call = |fd, at| sendmsg(&mut memory, &mut descriptors, Fd(fd), at, 0);
        assert_eq!((call(3, at), call(1, at)), (Err(Errno::ENOTCONN.into()), Err(Errno::ENOTSOCK.into())));
        assert_eq!(call(3, UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
