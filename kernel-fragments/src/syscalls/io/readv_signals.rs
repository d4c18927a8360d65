//! `readv(2)`: <https://man7.org/linux/man-pages/man2/readv.2.html>, where a file may be a signalfd. Supported: every kind of
//! file. Errors: EBADF, EINVAL, EFAULT, EISDIR, EAGAIN, EINTR.

use crate::abi::iovec::{IoVector, check_buffers};
use crate::outcome::{Leave, Outcome};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signal_files::{read_signals, signal_file};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::syscalls::io::readv_waits::readv as read_others;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

syscall!(65 => readv, signal_files);

/// Reads from the file's position to the `count` buffers listed at `list`.
pub fn readv(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> Outcome {
    let open = descriptors.readable(fd)?;
    if let Some(file) = signal_file(open) {
        check_buffers(memory, list, count)?;
        let element = |index| IoVector::read(memory, list, index).map(|element| (element.address, element.len_bytes));
        let buffers = (0..count).map(element).collect::<Result<Vec<_>, _>>()?;
        if buffers.iter().all(|(_, len_bytes)| *len_bytes == 0) {
            return Ok(Leave::Return(0)); // nothing was asked of the file (fs/read_write.c, do_iter_readv)
        }
        return read_signals(memory, signals, threads, thread, fd.0 as u64, open, file, &buffers);
    }
    read_others(memory, descriptors, platform, threads, clock, thread, fd, list, count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGTERM, set_of};
    use crate::errno::Errno;
    use crate::syscalls::signal::signalfd4::signalfd4;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn one_signal_in_two_buffers() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.current().signal_mask = set_of(SIGTERM);
        let mask = machine.memory.put(0, &set_of(SIGTERM).to_le_bytes());
        assert_eq!(signalfd4(&mut machine.memory, &mut descriptors, -1, mask, 8, 0), Ok(3));
        assert_eq!(signals.send_to_thread(machine.current(), SIGTERM), Ok(()));
        let (first, second) = (machine.memory.address(1024).0 as u64, machine.memory.address(2048).0 as u64);
        let list = machine.memory.put(512, &[first, 8, second, 120].map(u64::to_le_bytes).concat());
        let mut call = |machine: &mut ThreadMachine, count| {
            machine.call(|m, thread| {
                let (memory, platform, clock) = (&mut m.memory, &mut m.platform, &mut m.clock);
                let threads = &mut m.threads;
                readv(memory, &mut descriptors, platform, &mut signals, threads, clock, thread, Fd(3), list, count)
            })
        };
        assert_eq!(call(&mut machine, 1), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, 2), Step::Returned(128));
        assert_eq!((machine.memory.bytes(1024, 1), machine.memory.bytes(2052, 1)), (&[15][..], &[2][..]));
        assert_eq!(call(&mut machine, 0), Step::Returned(0));
    }
}
