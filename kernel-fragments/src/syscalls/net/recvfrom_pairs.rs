//! `recvfrom(2)`: <https://man7.org/linux/man-pages/man2/recv.2.html>, where there may be pairs. Supported: pairs of `socketpair`,
//! MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL; not supported: MSG_OOB, waiting for a socket that nobody sends to. Errors:
//! EBADF, ENOTSOCK, EINVAL, ENOTCONN, EOPNOTSUPP, EFAULT, EAGAIN, ECONNRESET, EINTR.

use crate::outcome::{Leave, Outcome};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::socket_transfer::{Progress, receive};
use crate::subsystems::sockets::{DONTWAIT, Socket, TRUNC, refuse_receiving, socket_of, store_address};
use crate::subsystems::threads::Threads;
use crate::subsystems::unix_socket::SocketKind;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(207 => recvfrom, paired_sockets);

/// Receives up to `len_bytes` bytes from socket `fd` to `buffer`. The ends of pairs have no address: its length is 0.
pub fn recvfrom(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    buffer: UserAddress,
    len_bytes: usize,
    flags: u32,
    address: UserAddress,
    len_address: UserAddress,
) -> Outcome {
    let open = descriptors.get(fd)?;
    let socket = match socket_of(open)? {
        Socket::Alone(socket) => {
            return Err(refuse_receiving(socket, !open.is_nonblocking() && flags & DONTWAIT == 0));
        }
        Socket::Paired(socket) => socket,
    };
    let buffers = [(buffer, len_bytes)];
    match receive(memory, threads, thread, fd.0 as u64, open, socket, &buffers, flags)? {
        Progress::Waits(leave) => Ok(leave),
        Progress::Done(received) => {
            if !address.is_null() {
                store_address(memory, &[], address, len_address)?;
            }
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

    /// What is received is tested with `sendto`.
    #[test]
    fn addresses_and_bad_buffers() {
        let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
        let at = machine.memory.address(0);
        assert_eq!(socketpair(&mut machine.memory, &mut descriptors, 1, 5, 0, at), Ok(0));
        let Ok(Socket::Paired(sender)) = socket_of(descriptors.get(Fd(4)).unwrap()) else { panic!("it is one") };
        assert_eq!((sender.send(b"ab"), sender.send(b"cd")), (Ok(2), Ok(2)));
        let length = machine.memory.put(64, &[9, 0, 0, 0]);
        let mut call = |machine: &mut ThreadMachine, buffer, address| {
            machine.call(|m, thread| {
                let (memory, threads) = (&mut m.memory, &mut m.threads);
                recvfrom(memory, &mut descriptors, threads, thread, Fd(3), buffer, 2, 0x40, address, length)
            })
        };
        assert_eq!(call(&mut machine, UserAddress(8), at), Step::Failed(Errno::EFAULT));
        assert_eq!(call(&mut machine, at, at), Step::Returned(2));
        assert_eq!(
            (machine.memory.bytes(0, 2), machine.memory.bytes(64, 1)),
            (&b"cd"[..], &[0][..]),
            "the first is lost"
        );
        assert_eq!(call(&mut machine, at, at), Step::Failed(Errno::EAGAIN));
    }
}
