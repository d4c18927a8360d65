//! `sendto(2)`: <https://man7.org/linux/man-pages/man2/send.2.html>, where there may be pairs. Supported: pairs of `socketpair`,
//! MSG_DONTWAIT, MSG_NOSIGNAL, MSG_EOR, MSG_MORE; not supported: sending to an address, MSG_OOB. Errors: EBADF, ENOTSOCK, ENOTCONN,
//! EISCONN, EOPNOTSUPP, EINVAL, EFAULT, EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED, EMSGSIZE, ENOBUFS, EINTR.

use crate::outcome::Outcome;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::socket_transfer::send;
use crate::subsystems::sockets::{Socket, has_address, refuse_sending, socket_of};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(206 => sendto, paired_sockets);

/// Sends the `len_bytes` bytes at `buffer` by socket `fd`, to the address at `address` if there is one.
pub fn sendto(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    buffer: UserAddress,
    len_bytes: usize,
    flags: u32,
    address: UserAddress,
    address_bytes: i32,
) -> Outcome {
    let open = descriptors.get(fd)?;
    let socket = socket_of(open)?;
    let has_address = has_address(memory, address, address_bytes)?;
    match socket {
        Socket::Alone(socket) => Err(refuse_sending(socket, has_address)),
        Socket::Paired(socket) => {
            let (argument, buffers) = (fd.0 as u64, [(buffer, len_bytes)]);
            send(memory, signals, threads, thread, argument, open, socket, &buffers, has_address, flags)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::subsystems::sockets::{DONTWAIT, NOSIGNAL};
    use crate::syscalls::net::recvfrom_pairs::recvfrom;
    use crate::syscalls::net::socketpair::socketpair;
    use crate::testing_allocator::without_memory_for;
    use crate::testing_threads::{Step, ThreadMachine};

    struct Machine {
        threads: ThreadMachine,
        descriptors: Descriptors,
        signals: Signals,
    }

    impl Machine {
        /// A second thread, and a pair of this kind as descriptors 3 and 4.
        fn new(kind: u32) -> Machine {
            let (mut threads, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            threads.spawn(0, UserAddress::NULL);
            let at = threads.memory.address(0);
            assert_eq!(socketpair(&mut threads.memory, &mut descriptors, 1, kind, 0, at), Ok(0));
            Machine { threads, descriptors, signals: Signals::new() }
        }

        fn send(&mut self, fd: i32, len_bytes: usize, flags: u32) -> Step {
            let Machine { threads, descriptors, signals } = self;
            let (address, null) = (threads.memory.address(0), UserAddress::NULL);
            threads.call(|m, thread| {
                let (memory, threads) = (&mut m.memory, &mut m.threads);
                sendto(memory, descriptors, signals, threads, thread, Fd(fd), address, len_bytes, flags, null, 0)
            })
        }

        fn receive(&mut self, fd: i32, len_bytes: usize, flags: u32) -> Step {
            let Machine { threads, descriptors, .. } = self;
            let (address, null) = (threads.memory.address(0), UserAddress::NULL);
            threads.call(|m, thread| {
                let (memory, threads) = (&mut m.memory, &mut m.threads);
                recvfrom(memory, descriptors, threads, thread, Fd(fd), address, len_bytes, flags, null, null)
            })
        }
    }

    #[test]
    fn both_directions_with_waiting() {
        let mut machine = Machine::new(1);
        assert_eq!(machine.receive(3, 8, DONTWAIT), Step::Failed(Errno::EAGAIN));
        assert_eq!(machine.receive(3, 8, 0), Step::Switched(3, 0));
        assert_eq!((machine.send(4, 5, 0), machine.send(4, 2, 0)), (Step::Returned(5), Step::Returned(2)));
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, 3));
        assert_eq!(machine.receive(3, 8, 0), Step::Returned(7), "a stream joins them");
        // MSG_WAITALL.
        assert_eq!(machine.send(4, 3, 0), Step::Returned(3));
        assert_eq!(machine.receive(3, 8, 0x100), Step::Switched(3, 0));
        assert_eq!(machine.send(4, 9, 0), Step::Returned(9));
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, 3));
        assert_eq!((machine.receive(3, 8, 0x100), machine.receive(3, 8, 0)), (Step::Returned(8), Step::Returned(4)));
        assert!(machine.descriptors.remove(Fd(3)).is_ok());
        assert_eq!(machine.send(4, 1, NOSIGNAL), Step::Failed(Errno::EPIPE));
        assert_eq!(machine.send(4, 1, 0), Step::Exited(141), "SIGPIPE");
    }

    /// MSG_WAITALL where the end has come already. The answers are those of Linux.
    #[test]
    fn the_end_comes_before_all() {
        for unread_bytes in [0, 1] {
            let mut machine = Machine::new(1);
            assert_eq!(machine.send(3, unread_bytes, 0), Step::Returned(unread_bytes));
            assert_eq!(machine.send(4, 3, 0), Step::Returned(3));
            assert!(machine.descriptors.remove(Fd(4)).is_ok());
            assert_eq!((machine.receive(3, 8, 0x100), machine.receive(3, 8, 0x100)), {
                (Step::Returned(3), Step::Returned(0))
            });
        }
    }

    #[test]
    fn a_stream_without_memory_ends_there() {
        let mut machine = Machine::new(1);
        machine.threads.memory = crate::testing::FakeMemory::new(40_000);
        let first_bytes = 3776 + 32768;
        let sent = without_memory_for(1000, || machine.send(3, first_bytes + 1000, 0));
        assert_eq!((sent, machine.send(3, 1000, 0)), (Step::Returned(first_bytes), Step::Returned(1000)));
    }

    #[test]
    fn a_full_stream_waits_for_room() {
        let mut machine = Machine::new(1);
        machine.threads.memory = crate::testing::FakeMemory::new(400_000);
        assert_eq!(machine.send(3, 300_000, 0), Step::Switched(3, 0));
        let Step::Returned(received_bytes) = machine.receive(4, 400_000, 0) else { panic!("there is something") };
        assert!((200_000..300_000).contains(&received_bytes));
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, 3));
        assert_eq!(machine.send(3, 300_000, 0), Step::Returned(300_000));
        assert_eq!(machine.receive(4, 400_000, 0), Step::Returned(300_000 - received_bytes));
    }

    #[test]
    fn messages_stay_apart() {
        for kind in [2, 5] {
            let mut machine = Machine::new(kind);
            assert_eq!((machine.send(3, 5, 0), machine.send(3, 0, 0), machine.send(3, 2, 0)), {
                (Step::Returned(5), Step::Returned(0), Step::Returned(2))
            });
            assert_eq!((machine.receive(4, 3, 2), machine.receive(4, 3, 0x20)), (Step::Returned(3), Step::Returned(5)));
            assert_eq!((machine.receive(4, 9, 0), machine.receive(4, 9, 0)), (Step::Returned(0), Step::Returned(2)));
            assert_eq!(machine.send(3, 300_000, 0), Step::Failed(Errno::EFAULT));
            assert!(machine.descriptors.remove(Fd(4)).is_ok());
            let (first, second) =
                if kind == 2 { (Errno::ECONNREFUSED, Errno::ENOTCONN) } else { (Errno::EPIPE, Errno::EPIPE) };
            assert_eq!((machine.send(3, 1, 0), machine.send(3, 1, 0)), (Step::Failed(first), Step::Failed(second)));
        }
    }
}
