//! `writev(2)`: <https://man7.org/linux/man-pages/man2/writev.2.html>, where a file may have no room until another thread
//! reads. Supported: every kind of file; SIGPIPE. Errors: EBADF, EINVAL, EFAULT, ENOSPC, EPIPE, EAGAIN, ENOBUFS, EINTR.

use crate::abi::iovec::{IoVector, check_buffers};
use crate::outcome::{Leave, Outcome, returned};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::paired_sockets::paired;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::write_or_wait;
use crate::syscalls::io::writev::writev as writev_at_once;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(66 => writev, waits);

/// Writes the `count` buffers listed at `list` to the file's position, or its end if it was opened for appending.
pub fn writev(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> Outcome {
    let open = descriptors.writable(fd)?;
    if open.file.is_seekable() {
        return returned(writev_at_once(memory, descriptors, platform, fd, list, count));
    }
    check_buffers(memory, list, count)?;
    let memory: &_ = memory;
    let pieces =
        (0..count).map(|index| IoVector::read(memory, list, index).map(|element| (element.address, element.len_bytes)));
    // No bytes are no message, other than of `write` (fs/read_write.c, vfs_writev).
    if paired(open).is_some() && pieces.clone().all(|piece| piece.is_ok_and(|(_, len_bytes)| len_bytes == 0)) {
        return Ok(Leave::Return(0));
    }
    write_or_wait(memory, platform, signals, threads, thread, fd, open, pieces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_WRONLY};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::pipe::new_pipe;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    /// Two buffers, of which the second waits for room half-way: nothing is written twice.
    #[test]
    fn goes_on_where_it_was() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.memory = crate::testing::FakeMemory::new(0x2_0000);
        machine.spawn(0, UserAddress::NULL);
        let (reader, writer) = new_pipe(4);
        let reader = OpenFile::new(Box::new(reader), O_RDONLY);
        let fd = descriptors.insert(OpenFile::new(Box::new(writer), O_WRONLY), false, 0).expect("there is room");
        let at = |offset| machine.memory.address(offset).0 as u64;
        let words = [at(4096), 4096, at(0x4000), 0x1_1000];
        let list = machine.memory.put(0, &words.map(u64::to_le_bytes).concat());
        machine.memory.put(0x4000, &[7; 0x1_1000]);
        let mut call = |machine: &mut ThreadMachine| {
            machine.call(|m, thread| {
                let (memory, platform) = (&mut m.memory, &mut m.platform);
                writev(memory, &mut descriptors, platform, &mut signals, &mut m.threads, thread, fd, list, 2)
            })
        };
        assert_eq!(call(&mut machine), Step::Switched(3, 0));
        let mut taken = vec![0; 0x1_0000];
        assert_eq!(reader.file.read(&mut machine.platform, 0, &mut taken), Ok(0x1_0000));
        assert!(taken[..4096].iter().all(|&byte| byte == 0) && taken[4096..].iter().all(|&byte| byte == 7));
        assert_eq!(machine.yield_now(), Step::Switched(2, u64::from(fd.0.cast_unsigned()) as i64));
        assert_eq!((call(&mut machine), reader.file.readable_bytes()), (Step::Returned(0x1_2000), Some(0x2000)));
    }
}
