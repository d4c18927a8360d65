//! `splice(2)`: <https://man7.org/linux/man-pages/man2/splice.2.html>, where a pipe may be empty until another thread
//! writes, or full until one reads. Supported: every flag, SIGPIPE; how much fits into a pipe is not exactly Linux's.
//! Errors: EINVAL, EBADF, ESPIPE, EFAULT, EAGAIN, EPIPE, ENOSPC, EINTR, ENOMEM.

use crate::errno::{Errno, Refusal};
use crate::outcome::{Outcome, returned};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::WOULD_WAIT;
use crate::subsystems::signals::Signals;
use crate::subsystems::splicing::splice_at_once;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::watched;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(76 => splice, waits);

/// Moves up to `len_bytes` bytes from `from` to `to`, one of which is a pipe.
pub fn splice(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    from: Fd,
    from_offset: UserAddress,
    to: Fd,
    to_offset: UserAddress,
    len_bytes: usize,
    flags: u32,
) -> Outcome {
    thread.resume_call();
    let (input, output) = ((from, from_offset), (to, to_offset));
    match splice_at_once(memory, descriptors, platform, input, output, len_bytes, flags) {
        Err(WOULD_WAIT) => {
            let files = [from, to].map(|fd| descriptors.get(fd).map(watched));
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, from.0 as u64, files.into_iter().flatten(), unfinished))
        }
        Err(Refusal::Errno(Errno::EPIPE)) => {
            signals.send_broken_pipe(thread)?;
            signals.settle(thread, (Errno::EPIPE.0 as usize).wrapping_neg())
        }
        result => returned(result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_WRONLY};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::pipe::new_pipe;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    #[test]
    fn waits_for_what_is_in_the_pipe() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        for _ in 0..2 {
            let (reader, writer) = new_pipe(descriptors.new_pipe_number());
            descriptors.insert(OpenFile::new(Box::new(reader), O_RDONLY), false, 0).expect("there is room");
            descriptors.insert(OpenFile::new(Box::new(writer), O_WRONLY), false, 0).expect("there is room");
        }
        let mut call = |machine: &mut ThreadMachine, descriptors: &mut Descriptors, (from, to)| {
            machine.call(|m, thread| {
                let (memory, platform, threads, null) =
                    (&mut m.memory, &mut m.platform, &mut m.threads, UserAddress::NULL);
                splice(
                    memory,
                    descriptors,
                    platform,
                    &mut signals,
                    threads,
                    thread,
                    Fd(from),
                    null,
                    Fd(to),
                    null,
                    99,
                    0,
                )
            })
        };
        assert_eq!(call(&mut machine, &mut descriptors, (3, 1)), Step::Switched(3, 0));
        let writer = descriptors.get(Fd(4)).expect("it is open").clone();
        assert_eq!(writer.file.write(&mut machine.platform, 0, b"hello"), Ok(5));
        assert_eq!(machine.yield_now(), Step::Switched(2, 3), "the call is made again");
        assert_eq!(call(&mut machine, &mut descriptors, (3, 1)), Step::Returned(5));
        assert_eq!(machine.platform.output, b"hello");
        assert!(descriptors.remove(Fd(5)).is_ok());
        assert_eq!(writer.file.write(&mut machine.platform, 0, b"hello"), Ok(5));
        assert_eq!(call(&mut machine, &mut descriptors, (3, 6)), Step::Exited(141));
    }
}
