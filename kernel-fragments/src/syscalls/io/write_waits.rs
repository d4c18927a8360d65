//! `write(2)`: <https://man7.org/linux/man-pages/man2/write.2.html>, where a file may have no room until another thread
//! reads. Supported: every kind of file; SIGPIPE. Errors: EBADF, EFAULT, EINVAL, ENOSPC, EPIPE, EAGAIN, ENOBUFS, EINTR.

use crate::outcome::{Outcome, returned};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::paired_sockets::paired;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::write_or_wait;
use crate::syscalls::io::write::write as write_at_once;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(64 => write, waits);

/// Writes `len_bytes` bytes at `address` to the file's position, or its end if it was opened for appending.
pub fn write(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> Outcome {
    let open = descriptors.writable(fd)?;
    // Of no bytes, the file decides whether that is an error; a socket may also wait.
    if open.file.is_seekable() || len_bytes == 0 && paired(open).is_none() {
        return returned(write_at_once(memory, descriptors, platform, fd, address, len_bytes));
    }
    let piece = core::iter::once(Ok((address, len_bytes)));
    write_or_wait(memory, platform, signals, threads, thread, fd, open, piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::errno::Errno;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::paired_sockets::new_pair;
    use crate::subsystems::unix_socket::SocketKind;
    use crate::syscalls::io::writev_waits::writev;
    use crate::testing::FakeMemory;
    use crate::testing_allocator::without_memory_for;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    /// What waits is tested with `read`.
    #[test]
    fn descriptor_before_buffer() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
        descriptors.insert(counter, false, 0).expect("there is room");
        let mut call = |fd, address, len_bytes| {
            machine.call(|m, thread| {
                let (memory, platform) = (&mut m.memory, &mut m.platform);
                let (descriptors, signals, threads) = (&mut descriptors, &mut signals, &mut m.threads);
                write(memory, descriptors, platform, signals, threads, thread, Fd(fd), UserAddress(address), len_bytes)
            })
        };
        assert_eq!(call(9, 8, 1), Step::Failed(Errno::EBADF));
        assert_eq!(call(1, 8, 1), Step::Failed(Errno::EFAULT));
        assert_eq!((call(1, 8, 0), call(1, 0x1_0000, 3)), (Step::Returned(0), Step::Returned(3)));
        assert_eq!(call(3, 0x1_0000, 0), Step::Failed(Errno::EINVAL), "a counter takes 8 bytes");
    }

    /// Two threads, and a pair as descriptors 3 and 4.
    struct Pair {
        machine: ThreadMachine,
        descriptors: Descriptors,
        signals: Signals,
    }

    impl Pair {
        fn new(kind: SocketKind) -> Pair {
            let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            machine.memory = FakeMemory::new(400_000);
            machine.spawn(0, UserAddress::NULL);
            for end in new_pair(kind, [4, 5]) {
                descriptors.insert(OpenFile::new(Box::new(end), O_RDWR), false, 0).expect("there is room");
            }
            Pair { machine, descriptors, signals: Signals::new() }
        }

        fn write(&mut self, len_bytes: usize) -> Step {
            let Pair { machine, descriptors, signals } = self;
            machine.call(|m, thread| {
                let (memory, platform, threads) = (&mut m.memory, &mut m.platform, &mut m.threads);
                let address = memory.address(0);
                write(memory, descriptors, platform, signals, threads, thread, Fd(3), address, len_bytes)
            })
        }

        fn writev_nothing(&mut self) -> Step {
            let Pair { machine, descriptors, signals } = self;
            machine.memory.put(0, &[0; 16]);
            machine.call(|m, thread| {
                let (memory, platform, threads) = (&mut m.memory, &mut m.platform, &mut m.threads);
                let list = memory.address(0);
                writev(memory, descriptors, platform, signals, threads, thread, Fd(3), list, 1)
            })
        }
    }

    /// What there is memory for is sent, and nobody waits for more.
    #[test]
    fn a_stream_without_memory_ends_there() {
        let mut pair = Pair::new(SocketKind::Stream);
        let first_bytes = 3776 + 32768;
        assert_eq!(without_memory_for(1000, || pair.write(first_bytes + 1000)), Step::Returned(first_bytes));
        assert_eq!(without_memory_for(1000, || pair.write(1000)), Step::Failed(Errno::ENOBUFS));
        assert_eq!(pair.write(first_bytes + 1000), Step::Returned(first_bytes + 1000));
    }

    /// As in Linux, which signals only if nothing was sent.
    #[test]
    fn a_stream_that_ends_half_way() {
        let mut pair = Pair::new(SocketKind::Stream);
        assert_eq!(pair.write(300_000), Step::Switched(3, 0));
        assert!(pair.descriptors.remove(Fd(4)).is_ok());
        assert_eq!(pair.machine.yield_now(), Step::Switched(2, 3));
        let Step::Returned(sent_bytes) = pair.write(300_000) else { panic!("some was sent") };
        assert!((200_000..300_000).contains(&sent_bytes));
        assert_eq!((pair.writev_nothing(), pair.write(0)), (Step::Returned(0), Step::Exited(141)));
    }

    #[test]
    fn messages_of_no_bytes() {
        for kind in [SocketKind::Datagram, SocketKind::SeqPacket] {
            let mut pair = Pair::new(kind);
            assert_eq!((pair.writev_nothing(), pair.write(0)), (Step::Returned(0), Step::Returned(0)));
            let peer = pair.descriptors.get(Fd(4)).expect("it is open").clone();
            let received = |pair: &mut Pair| peer.file.read(&mut pair.machine.platform, 0, &mut [0; 4]);
            assert_eq!((received(&mut pair), received(&mut pair)), (Ok(0), Err(Errno::EAGAIN.into())));
            let sent = (0..1000).map(|_| pair.write(0)).find(|&step| step != Step::Returned(0));
            assert_eq!(sent, Some(Step::Switched(3, 0)), "the queue is full");
        }
    }
}
