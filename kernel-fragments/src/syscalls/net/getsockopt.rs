//! `getsockopt(2)`: <https://man7.org/linux/man-pages/man2/getsockopt.2.html>. Supported: of SOL_SOCKET what AF_UNIX has as long as
//! nothing was set: DEBUG, REUSEADDR, TYPE, ERROR, DONTROUTE, BROADCAST, SNDBUF, RCVBUF, KEEPALIVE, OOBINLINE, LINGER, PASSCRED,
//! PEERCRED, RCVLOWAT, SNDLOWAT, RCVTIMEO, SNDTIMEO, ACCEPTCONN, PROTOCOL, DOMAIN; other options are not supported. Errors: EBADF,
//! ENOTSOCK, EOPNOTSUPP, EINVAL, EFAULT.

use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{AF_UNIX, Socket, socket_of};
use crate::subsystems::unix_socket::BUFFER_BYTES;
use crate::thread::PROCESS_ID;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(209 => getsockopt);

const SOL_SOCKET: i32 = 1;

/// Stores option `name` of socket `fd` at `address`, as much of it as the length at `len_address` says, which then is how
/// much that was.
pub fn getsockopt(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    level: i32,
    name: i32,
    address: UserAddress,
    len_address: UserAddress,
) -> SysResult {
    let socket = socket_of(descriptors.get(fd)?)?;
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let room_bytes = usize::try_from(memory.read_u32(len_address)?.cast_signed()).map_err(|_| Errno::EINVAL)?;
    let (kind, is_paired) = match &socket {
        Socket::Alone(socket) => (socket.kind, false),
        Socket::Paired(socket) => (socket.kind(), true),
    };
    // include/uapi/asm-generic/socket.h
    let [first, second, third] = match name {
        3 => [kind.number(), 0, 0],
        4 => match &socket {
            Socket::Paired(socket) => [socket.take_error().map_or(0, |errno| errno.0.into()), 0, 0],
            Socket::Alone(_) => [0; 3],
        },
        7 | 8 => [BUFFER_BYTES as u32, 0, 0],
        17 if is_paired => [PROCESS_ID, 0, 0],
        17 => [0, u32::MAX, u32::MAX],
        18 | 19 => [1, 0, 0],
        39 => [AF_UNIX as u32, 0, 0],
        1 | 2 | 5 | 6 | 9 | 10 | 13 | 16 | 20 | 21 | 30 | 38 => [0; 3],
        _ => return Err(Refusal::Unsupported("this socket option")),
    };
    let len_bytes = match name {
        13 => 8,
        17 => 12,
        20 | 21 => 16,
        _ => 4,
    };
    let mut value = [0; 16];
    for (place, word) in value.chunks_exact_mut(4).zip([first, second, third]) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    let len_bytes = room_bytes.min(len_bytes);
    memory.write(address, value.get(..len_bytes).unwrap_or_default())?;
    memory.write_u32(len_address, len_bytes as u32)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing::FakeMemory;

    #[test]
    fn what_programs_ask_for() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        let at = memory.address(0);
        assert_eq!(socketpair(&mut memory, &mut descriptors, 1, 5, 0, at), Ok(0));
        let length = memory.address(32);
        for (name, room, stored, value) in [
            (3, 4, 4, 5),
            (4, 4, 4, 0),
            (7, 8, 4, 212_992),
            (17, 12, 12, 2),
            (17, 5, 5, 2),
            (20, 99, 16, 0),
            (39, 4, 4, 1),
        ] {
            memory.put(0, &[0; 16]);
            memory.put(32, &u32::to_le_bytes(room));
            assert_eq!(getsockopt(&mut memory, &mut descriptors, Fd(3), 1, name, at, length), Ok(0), "{name}");
            assert_eq!((memory.read_u32(length), memory.read_u32(at)), (Ok(stored), Ok(value)), "{name}");
        }
        let mut call = |fd, level, name| getsockopt(&mut memory, &mut descriptors, Fd(fd), level, name, at, length);
        assert_eq!(call(3, 6, 1), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!(call(1, 1, 3), Err(Errno::ENOTSOCK.into()));
        assert!(matches!(call(3, 1, 77), Err(Refusal::Unsupported(_))));
    }
}
