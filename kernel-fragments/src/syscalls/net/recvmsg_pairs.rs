//! `recvmsg(2)`: <https://man7.org/linux/man-pages/man2/recv.2.html>, where there may be pairs. Supported: pairs of `socketpair`, which
//! have no ancillary data, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_CMSG_CLOEXEC; not supported: MSG_OOB, waiting for a
//! socket that nobody sends to. Errors: EBADF, ENOTSOCK, EINVAL, ENOTCONN, EOPNOTSUPP, EFAULT, EAGAIN, ECONNRESET, EMSGSIZE, EINTR.

use crate::abi::message::Message;
use crate::outcome::{Leave, Outcome};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::socket_transfer::{Progress, receive};
use crate::subsystems::sockets::{DONTWAIT, Socket, TRUNC, refuse_receiving, socket_of};
use crate::subsystems::threads::Threads;
use crate::subsystems::unix_socket::SocketKind;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(212 => recvmsg, paired_sockets);

/// MSG_CMSG_CLOEXEC, which comes back.
const CONTROL_CLOEXEC: u32 = 0x4000_0000;

/// Receives a message from socket `fd` to where the one at `message` says.
pub fn recvmsg(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    message: UserAddress,
    flags: u32,
) -> Outcome {
    let open = descriptors.get(fd)?;
    let socket = socket_of(open)?;
    let message = Message::read(memory, message)?;
    let socket = match socket {
        Socket::Alone(socket) => {
            return Err(refuse_receiving(socket, !open.is_nonblocking() && flags & DONTWAIT == 0));
        }
        Socket::Paired(socket) => socket,
    };
    match receive(memory, threads, thread, fd.0 as u64, open, socket, &message.buffers, flags)? {
        Progress::Waits(leave) => Ok(leave),
        Progress::Done(received) => {
            let is_cut = received.message_bytes > received.stored_bytes;
            message.store_rest(memory, flags & CONTROL_CLOEXEC | if is_cut { TRUNC } else { 0 })?;
            let tells_all = flags & TRUNC != 0 && socket.kind() != SocketKind::Stream;
            Ok(Leave::Return(if tells_all { received.message_bytes } else { received.stored_bytes }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing_threads::{Step, ThreadMachine};

    /// What is received is tested with `sendmsg`.
    #[test]
    fn the_end_of_a_stream() {
        let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
        let at = machine.memory.address(0);
        assert_eq!(socketpair(&mut machine.memory, &mut descriptors, 1, 1, 0, at), Ok(0));
        machine.memory.put(0, &[0; 64]);
        let call = |machine: &mut ThreadMachine, descriptors: &mut Descriptors, at| {
            machine.call(|m, thread| recvmsg(&mut m.memory, descriptors, &mut m.threads, thread, Fd(3), at, 0x40))
        };
        assert_eq!(call(&mut machine, &mut descriptors, at), Step::Failed(Errno::EAGAIN));
        assert_eq!(call(&mut machine, &mut descriptors, UserAddress(8)), Step::Failed(Errno::EFAULT));
        assert!(descriptors.remove(Fd(4)).is_ok());
        assert_eq!(call(&mut machine, &mut descriptors, at), Step::Returned(0));
    }
}
