//! `read(2)`: <https://man7.org/linux/man-pages/man2/read.2.html>, where a file may have nothing to read until another thread
//! writes. Supported: every kind of file. A file that another thread closes meanwhile ends the wait with EBADF. Errors:
//! EBADF, EFAULT, EISDIR, EINVAL, EAGAIN, EINTR.

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::outcome::Outcome;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::threads::Threads;
use crate::subsystems::transfer::{check_span, read_buffer};
use crate::subsystems::waiting::finish_read;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(63 => read, waits);

/// Reads up to `len_bytes` bytes from the file's position to `address`; 0 at its end.
pub fn read(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> Outcome {
    thread.resume_call();
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    check_span(offset, len_bytes.min(MAX_TRANSFER_BYTES))?;
    open.file.pass_time(clock.now_ns());
    let result = read_buffer(memory, platform, open, offset, address, len_bytes);
    if let Ok(read_bytes) = result {
        open.offset.set(offset + read_bytes as u64);
    }
    finish_read(threads, thread, fd, open, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
    use crate::errno::Errno;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::paired_sockets::new_pair;
    use crate::subsystems::pipe::new_pipe;
    use crate::subsystems::signals::Signals;
    use crate::subsystems::unix_socket::SocketKind;
    use crate::syscalls::io::write_waits::write;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    /// A machine with a second thread, a pipe as descriptors 3 and 4, and its read end without waiting as 5.
    fn with_pipe() -> (ThreadMachine, Descriptors) {
        let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
        machine.spawn(0, UserAddress::NULL);
        let (reader, writer) = new_pipe(4);
        let reader = OpenFile::new(Box::new(reader), O_RDONLY);
        descriptors.insert(reader, false, 0).expect("there is room");
        descriptors.insert(OpenFile::new(Box::new(writer), O_WRONLY), false, 0).expect("there is room");
        (machine, descriptors)
    }

    fn read_from(machine: &mut ThreadMachine, descriptors: &mut Descriptors, len_bytes: usize) -> Step {
        let address = machine.memory.address(0);
        machine.call(|m, thread| {
            let (memory, platform) = (&mut m.memory, &mut m.platform);
            read(memory, descriptors, platform, &mut m.threads, &mut m.clock, thread, Fd(3), address, len_bytes)
        })
    }

    fn write_to(machine: &mut ThreadMachine, descriptors: &mut Descriptors, len_bytes: usize) -> Step {
        let (address, mut signals) = (machine.memory.address(0), Signals::new());
        machine.call(|m, thread| {
            let (memory, platform) = (&mut m.memory, &mut m.platform);
            write(memory, descriptors, platform, &mut signals, &mut m.threads, thread, Fd(4), address, len_bytes)
        })
    }

    #[test]
    fn readers_wait_for_writers_in_turn() {
        let (mut machine, mut descriptors) = with_pipe();
        assert_eq!(read_from(&mut machine, &mut descriptors, 8), Step::Switched(3, 0));
        assert_eq!(write_to(&mut machine, &mut descriptors, 5), Step::Returned(5));
        assert_eq!(machine.yield_now(), Step::Switched(2, 3), "the call is made again");
        assert_eq!(read_from(&mut machine, &mut descriptors, 8), Step::Returned(5));
        // The last writer is gone: no one waits any more.
        assert_eq!(read_from(&mut machine, &mut descriptors, 8), Step::Switched(3, 0));
        assert!(descriptors.remove(Fd(4)).is_ok());
        assert_eq!(machine.yield_now(), Step::Switched(2, 3));
        assert_eq!(read_from(&mut machine, &mut descriptors, 8), Step::Returned(0));
    }

    /// A write of more than fits waits for a reader and goes on where it was.
    #[test]
    fn writers_wait_for_room() {
        let (mut machine, mut descriptors) = with_pipe();
        for _ in 0..15 {
            assert_eq!(write_to(&mut machine, &mut descriptors, 4096), Step::Returned(4096));
        }
        machine.memory = crate::testing::FakeMemory::new(3 * 4096);
        assert_eq!(write_to(&mut machine, &mut descriptors, 3 * 4096), Step::Switched(3, 0));
        assert_eq!(read_from(&mut machine, &mut descriptors, 2 * 4096), Step::Returned(2 * 4096));
        assert_eq!(machine.yield_now(), Step::Switched(2, 4));
        assert_eq!(machine.current().unfinished.done_bytes, 4096);
        assert_eq!(write_to(&mut machine, &mut descriptors, 3 * 4096), Step::Returned(3 * 4096));
        let unread = descriptors.get(Fd(3)).expect("it is open").file.readable_bytes();
        assert_eq!(unread, Some(16 * 4096));
    }

    #[test]
    fn nobody_waits_who_must_not() {
        let (mut machine, mut descriptors) = with_pipe();
        descriptors.get(Fd(3)).expect("it is open").flags.set(O_RDONLY | O_NONBLOCK);
        assert_eq!(read_from(&mut machine, &mut descriptors, 8), Step::Failed(Errno::EAGAIN));
        assert!(descriptors.remove(Fd(3)).is_ok());
        assert_eq!(write_to(&mut machine, &mut descriptors, 1), Step::Exited(141), "SIGPIPE");
    }

    /// The answers are those of Linux.
    #[test]
    fn pairs_that_receive_nothing_more() {
        for (kind, at_once) in [
            (SocketKind::Stream, Step::Returned(0)),
            (SocketKind::Datagram, Step::Failed(Errno::EAGAIN)),
            (SocketKind::SeqPacket, Step::Returned(0)),
        ] {
            let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            let [end, _peer] = new_pair(kind, [4, 5]);
            end.shut_down(1);
            let open = OpenFile::new(Box::new(end), O_RDWR);
            assert_eq!(descriptors.insert(open.clone(), false, 0), Ok(Fd(3)));
            assert_eq!(read_from(&mut machine, &mut descriptors, 4), Step::Returned(0));
            open.flags.set(O_RDWR | O_NONBLOCK);
            assert_eq!(read_from(&mut machine, &mut descriptors, 4), at_once);
        }
    }
}
