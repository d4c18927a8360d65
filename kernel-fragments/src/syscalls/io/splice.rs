//! `splice(2)`: <https://man7.org/linux/man-pages/man2/splice.2.html>. Supported: every flag; how much fits into a pipe
//! is not exactly Linux's; not supported: waiting for another thread. Errors: EINVAL, EBADF, ESPIPE, EFAULT, EAGAIN,
//! EPIPE, ENOSPC, ENOMEM.

use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::splicing::splice_at_once;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(76 => splice);

/// Moves up to `len_bytes` bytes from `from` to `to`, one of which is a pipe.
pub fn splice(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    from: Fd,
    from_offset: UserAddress,
    to: Fd,
    to_offset: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    let (input, output) = ((from, from_offset), (to, to_offset));
    match splice_at_once(memory, descriptors, platform, input, output, len_bytes, flags) {
        // It says that there is a signal, too.
        Err(refusal @ Refusal::Errno(Errno::EPIPE)) => descriptors.get(to)?.without_waiting(Err(refusal), len_bytes),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_APPEND, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
    use crate::subsystems::devices::DeviceFile;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Device, Kind};
    use crate::subsystems::open_file::{File, OpenFile, WOULD_WAIT};
    use crate::subsystems::paired_sockets::new_pair;
    use crate::subsystems::pipe::new_pipe;
    use crate::subsystems::tree_file::TreeFile;
    use crate::subsystems::unix_socket::SocketKind;
    use crate::testing::{FakeMemory, FakePlatform};
    use alloc::boxed::Box;
    use alloc::vec::Vec;

    const NULL: UserAddress = UserAddress::NULL;

    /// A pipe as descriptors 3 and 4, a file of 5000 bytes as 5, and the standard streams.
    struct Machine {
        memory: FakeMemory,
        descriptors: Descriptors,
        platform: FakePlatform,
        tree: FileTree,
    }

    impl Machine {
        fn new(input: &[u8]) -> Machine {
            let (memory, platform) = (FakeMemory::new(64), FakePlatform::with_input(input));
            let mut machine = Machine { memory, descriptors: Descriptors::new(), platform, tree: FileTree::new() };
            machine.pipe(0);
            machine.file(O_RDWR);
            machine
        }

        fn insert(&mut self, file: Box<dyn File>, flags: u32) -> Fd {
            self.descriptors.insert(OpenFile::new(file, flags), false, 0).expect("there is room")
        }

        fn pipe(&mut self, flags: u32) -> (Fd, Fd) {
            let (reader, writer) = new_pipe(self.descriptors.new_pipe_number());
            (self.insert(Box::new(reader), O_RDONLY | flags), self.insert(Box::new(writer), O_WRONLY | flags))
        }

        fn file(&mut self, flags: u32) -> Fd {
            let node = self.tree.new_node(Kind::Regular(Contents::committed(&[b'x'; 5000])), 0);
            self.insert(Box::new(TreeFile(node)), flags)
        }

        fn splice(
            &mut self,
            from: (i32, UserAddress),
            to: (i32, UserAddress),
            len_bytes: usize,
            flags: u32,
        ) -> SysResult {
            let Machine { memory, descriptors, platform, .. } = self;
            splice(memory, descriptors, platform, Fd(from.0), from.1, Fd(to.0), to.1, len_bytes, flags)
        }
    }

    /// What Rust's `io::copy` does where standard input is a pipe.
    #[test]
    fn from_standard_input_to_standard_output() {
        let mut machine = Machine::new(&[b'i'; 10_000]);
        assert_eq!(machine.splice((0, NULL), (1, NULL), 9000, 0), Ok(9000));
        assert_eq!(machine.splice((0, NULL), (1, NULL), 9000, 0), Ok(1000));
        assert_eq!(machine.splice((0, NULL), (1, NULL), 9000, 0), Ok(0));
        assert_eq!(machine.platform.output, [b'i'; 10_000]);
    }

    #[test]
    fn from_file_to_pipe_to_file() {
        let mut machine = Machine::new(b"");
        let at = machine.memory.put(0, &4990u64.to_le_bytes());
        assert_eq!(machine.splice((5, at), (4, NULL), 100, 0), Ok(10));
        assert_eq!(machine.splice((5, at), (4, NULL), 100, 0), Ok(0));
        assert_eq!(machine.splice((5, NULL), (4, NULL), 20, 0), Ok(20));
        assert_eq!(machine.memory.bytes(0, 8), 5000u64.to_le_bytes());
        assert_eq!(machine.splice((3, NULL), (5, at), 25, 0), Ok(25));
        assert_eq!(machine.splice((3, NULL), (1, NULL), 100, 0), Ok(5));
        let file = machine.descriptors.get(Fd(5)).expect("it is open");
        assert_eq!((file.file.stat().size_bytes, file.offset.get()), (5025, 20));
        assert_eq!(machine.memory.bytes(0, 8), 5025u64.to_le_bytes());
    }

    impl Machine {
        fn sockets(&mut self, kind: SocketKind) -> [Fd; 2] {
            new_pair(kind, [70, 71]).map(|socket| self.insert(Box::new(socket), O_RDWR))
        }

        fn write(&mut self, fd: i32, bytes: &[u8]) {
            let open = self.descriptors.get(Fd(fd)).expect("it is open");
            assert_eq!(open.file.write(&mut self.platform, 0, bytes), Ok(bytes.len()));
        }

        fn read(&mut self, fd: i32) -> Vec<u8> {
            let (mut buffer, open) = (vec![0; 20_000], self.descriptors.get(Fd(fd)).expect("it is open"));
            let len_bytes = open.file.read(&mut self.platform, 0, &mut buffer).expect("there is something");
            buffer.truncate(len_bytes);
            buffer
        }
    }

    #[test]
    fn a_pipe_keeps_what_is_refused() {
        let mut machine = Machine::new(b"");
        let [own, other] = machine.sockets(SocketKind::Stream);
        drop(machine.descriptors.remove(other));
        machine.write(4, b"precious");
        assert!(machine.splice((3, NULL), (own.0, NULL), 8, 0).is_err());
        assert_eq!(machine.read(3), b"precious");
    }

    #[test]
    fn a_message_goes_into_a_pipe_at_once() {
        for kind in [SocketKind::Datagram, SocketKind::SeqPacket] {
            let mut machine = Machine::new(b"");
            let [own, other] = machine.sockets(kind);
            machine.write(other.0, &[b'm'; 6000]);
            machine.write(other.0, b"next");
            assert_eq!(machine.splice((own.0, NULL), (4, NULL), 20_000, 0), Ok(6000));
            assert_eq!(machine.splice((own.0, NULL), (4, NULL), 3, 0), Ok(3), "the rest of it is gone");
            assert_eq!(machine.read(3), [&[b'm'; 6000][..], b"nex"].concat());
            assert_eq!(machine.splice((own.0, NULL), (4, NULL), 3, 0), Err(WOULD_WAIT));
        }
    }

    #[test]
    fn what_would_wait() {
        let mut machine = Machine::new(b"");
        assert_eq!(machine.splice((3, NULL), (5, NULL), 8, 0), Err(WOULD_WAIT));
        assert_eq!(machine.splice((3, NULL), (5, NULL), 8, SPLICE_F_NONBLOCK), Err(Errno::EAGAIN.into()));
        let file = machine.file(O_RDWR);
        for _ in 0..20 {
            let moved = machine.splice((5, UserAddress(0x1_0000)), (4, NULL), 4096, SPLICE_F_NONBLOCK);
            machine.memory.put(0, &[0; 8]);
            if moved != Ok(4096) {
                assert_eq!(moved, Err(Errno::EAGAIN.into()));
            }
        }
        assert_eq!(machine.splice((file.0, NULL), (4, NULL), 1, 0), Err(WOULD_WAIT));
        let (reader, writer) = machine.pipe(O_NONBLOCK);
        assert_eq!(machine.splice((3, NULL), (writer.0, NULL), 1 << 20, 0), Ok(65536));
        assert_eq!(machine.splice((3, NULL), (writer.0, NULL), 1, 0), Err(Errno::EAGAIN.into()));
        drop(machine.descriptors.remove(reader));
        assert_eq!(
            machine.splice((3, NULL), (writer.0, NULL), 1, 0),
            Err(Errno::EAGAIN.into()),
            "no input: that first"
        );
        drop(machine.descriptors.remove(Fd(4)));
        let signalled = machine.splice((3, NULL), (writer.0, NULL), 1, 0);
        assert!(matches!(signalled, Err(Refusal::Unsupported(_))), "{signalled:?}");
        assert_eq!(machine.splice((3, NULL), (5, NULL), 1, 0), Ok(0));
    }

    #[test]
    fn what_is_wrong() {
        let mut machine = Machine::new(b"");
        let at = machine.memory.put(0, &u64::MAX.to_le_bytes());
        let (appending, again) =
            (machine.file(O_RDWR | O_APPEND).0, machine.descriptors.get(Fd(3)).expect("open").clone());
        let node = machine.tree.new_node(Kind::Device(Device::Full), 0);
        let full = machine.insert(Box::new(DeviceFile { device: Device::Full, node }), O_RDWR).0;
        let counter = machine.insert(Box::new(EventCounter::new(1, false)), O_RDWR).0;
        drop(again);
        for (from, to, len_bytes, flags, errno) in [
            ((99, at), (98, at), 1, 16, Errno::EINVAL),
            ((99, NULL), (4, NULL), 1, 0, Errno::EBADF),
            ((3, at), (5, NULL), 1, 0, Errno::ESPIPE),
            ((5, NULL), (4, at), 1, 0, Errno::ESPIPE),
            ((5, UserAddress(8)), (4, NULL), 1, 0, Errno::EFAULT),
            ((4, NULL), (5, NULL), 1, 0, Errno::EBADF),
            ((5, NULL), (3, NULL), 1, 0, Errno::EBADF),
            ((3, NULL), (4, NULL), 1, 0, Errno::EINVAL),
            ((5, NULL), (5, NULL), 1, 0, Errno::EINVAL),
            ((5, at), (4, NULL), 1, 0, Errno::EINVAL),
            ((3, NULL), (appending, NULL), 1, 0, Errno::EINVAL),
            ((3, NULL), (full, NULL), 1, 0, Errno::EINVAL),
            ((3, NULL), (counter, at), 1, 0, Errno::EINVAL),
            ((counter, NULL), (4, NULL), 1, 0, Errno::EINVAL),
        ] {
            assert_eq!(machine.splice(from, to, len_bytes, flags), Err(errno.into()), "{from:?} {to:?} {flags}");
        }
        assert_eq!(machine.splice((99, at), (98, at), 0, 16), Ok(0));
        assert_eq!(machine.splice((full, NULL), (4, NULL), 8, 0), Ok(8));
    }

    const SPLICE_F_NONBLOCK: u32 = 2;
}
