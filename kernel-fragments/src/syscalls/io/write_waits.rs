//! `write(2)`: <https://man7.org/linux/man-pages/man2/write.2.html>, where a file may have no room until another thread
//! reads. Supported: every kind of file; SIGPIPE. Errors: EBADF, EFAULT, EINVAL, ENOSPC, EPIPE, EAGAIN, EINTR.

use crate::outcome::{Outcome, returned};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
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
    // Of no bytes, the file decides whether that is an error.
    if open.file.is_seekable() || len_bytes == 0 {
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
}
