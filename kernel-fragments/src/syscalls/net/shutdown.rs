//! `shutdown(2)`: <https://man7.org/linux/man-pages/man2/shutdown.2.html>. Supported: pairs of `socketpair`; not supported: sockets that
//! are not connected. Errors: EBADF, ENOTSOCK, EINVAL.

use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::sockets::{Socket, socket_of};

syscall!(210 => shutdown);

/// Ends receiving (0), sending (1) or both (2) by socket `fd`.
pub fn shutdown(descriptors: &mut Descriptors, fd: Fd, how: i32) -> SysResult {
    let socket = socket_of(descriptors.get(fd)?)?;
    let directions = u32::try_from(how).ok().filter(|&how| how <= 2).ok_or(Errno::EINVAL)? + 1;
    match socket {
        Socket::Alone(_) => Err(Refusal::Unsupported("shutting down a socket that is not connected")),
        Socket::Paired(socket) => {
            socket.shut_down(directions);
            Ok(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::paired_sockets::paired;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing::FakeMemory;

    #[test]
    fn one_direction_after_the_other() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let at = memory.address(0);
        for kind in [1, 2] {
            assert_eq!(socketpair(&mut memory, &mut descriptors, 1, kind, 0, at), Ok(0));
        }
        assert_eq!(shutdown(&mut descriptors, Fd(3), 3), Err(Errno::EINVAL.into()));
        assert_eq!(shutdown(&mut descriptors, Fd(1), 3), Err(Errno::ENOTSOCK.into()));
        assert_eq!((shutdown(&mut descriptors, Fd(3), 1), shutdown(&mut descriptors, Fd(5), 1)), (Ok(0), Ok(0)));
        let files = [3, 4, 5, 6].map(|fd| descriptors.get(Fd(fd)).expect("it is open").clone());
        let [first, second, datagrams, others] = files.each_ref().map(|file| paired(file).expect("it is one"));
        assert_eq!(first.send(b"x"), Err(Errno::EPIPE.into()));
        assert_eq!(second.receive(&mut [0; 4], false, true).map(|received| received.stored_bytes), Ok(0));
        assert_eq!(second.send(b"x"), Ok(1), "the other direction goes on");
        assert_eq!(datagrams.send(b"x"), Err(Errno::EPIPE.into()));
        assert_eq!(others.receive(&mut [0; 4], false, true), Err(Errno::EAGAIN.into()), "it learns nothing of it");
    }
}
