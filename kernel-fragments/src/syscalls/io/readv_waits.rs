//! `readv(2)`: <https://man7.org/linux/man-pages/man2/readv.2.html>, where a file may have nothing to read until another
//! thread writes. Supported: every kind of file. Errors: EBADF, EINVAL, EFAULT, EISDIR, EAGAIN, EINTR.

use crate::outcome::Outcome;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::threads::Threads;
use crate::subsystems::transfer::{check_list_span, read_list};
use crate::subsystems::waiting::finish_read;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(65 => readv, waits);

/// Reads from the file's position to the `count` buffers listed at `list`.
pub fn readv(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    list: UserAddress,
    count: u32,
) -> Outcome {
    thread.resume_call();
    let open = descriptors.readable(fd)?;
    let offset = open.offset.get();
    check_list_span(memory, offset, list, count)?;
    open.file.pass_time(clock.now_ns());
    let result = read_list(memory, platform, open, offset, list, count);
    if let Ok(read_bytes) = result {
        open.offset.set(offset + read_bytes as u64);
    }
    finish_read(threads, thread, fd, open, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    #[test]
    fn waits_for_a_counter() {
        let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
        machine.spawn(0, UserAddress::NULL);
        let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
        let fd = descriptors.insert(counter.clone(), false, 0).expect("there is room");
        let words = [machine.memory.address(64).0 as u64, 8];
        let list = machine.memory.put(0, &words.map(u64::to_le_bytes).concat());
        let mut call = |machine: &mut ThreadMachine| {
            machine.call(|m, thread| {
                let (memory, platform) = (&mut m.memory, &mut m.platform);
                readv(memory, &mut descriptors, platform, &mut m.threads, &mut m.clock, thread, fd, list, 1)
            })
        };
        assert_eq!(call(&mut machine), Step::Switched(3, 0));
        assert_eq!(counter.file.write(&mut machine.platform, 0, &9u64.to_le_bytes()), Ok(8));
        assert_eq!(machine.yield_now(), Step::Switched(2, 3));
        assert_eq!((call(&mut machine), machine.memory.bytes(64, 1)[0]), (Step::Returned(8), 9));
    }
}
