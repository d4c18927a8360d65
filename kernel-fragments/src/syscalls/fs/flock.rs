//! `flock(2)`: <https://man7.org/linux/man-pages/man2/flock.2.html>. Supported: everything but LOCK_MAND. Errors: EBADF, EINVAL,
//! EWOULDBLOCK, EINTR.

use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_locks::FileLocks;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Unfinished};

syscall!(32 => flock);

const LOCK_SH: u32 = 1;
const LOCK_EX: u32 = 2;
const LOCK_NB: u32 = 4;
const LOCK_UN: u32 = 8;

/// Locks or unlocks the file behind `fd` for its open file description; waits until others gave up their locks unless
/// LOCK_NB is in `operation`.
pub fn flock(
    descriptors: &mut Descriptors,
    locks: &mut FileLocks,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    operation: u32,
) -> Outcome {
    thread.resume_call();
    let kind = operation & !LOCK_NB;
    if !matches!(kind, LOCK_SH | LOCK_EX | LOCK_UN) {
        return Err(Errno::EINVAL.into());
    }
    let open = descriptors.get(fd)?;
    if open.is_path_only() || kind != LOCK_UN && !open.is_readable() && !open.is_writable() {
        return Err(Errno::EBADF.into());
    }
    if kind == LOCK_UN {
        locks.unlock(open);
        return Ok(Leave::Return(0));
    }
    match locks.lock(open, kind == LOCK_EX) {
        Ok(()) => Ok(Leave::Return(0)),
        Err(_) if operation & LOCK_NB != 0 => Err(Errno::EAGAIN.into()),
        Err(rival) => {
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, fd.0 as u64, core::iter::once(rival), unfinished))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDONLY};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::tree_file::{TreeFile, open_with};
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::user_memory::UserAddress;
    use alloc::boxed::Box;

    struct Locking {
        machine: ThreadMachine,
        descriptors: Descriptors,
        locks: FileLocks,
    }

    impl Locking {
        /// Two threads, and two open files of one file as descriptors 3 and 4.
        fn new() -> Locking {
            let (mut machine, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            machine.spawn(0, UserAddress::NULL);
            let file = open_with(&mut descriptors, b"", O_RDONLY);
            let mut locking = Locking { machine, descriptors, locks: FileLocks::new() };
            locking.open_again(file, O_RDONLY);
            locking
        }

        fn open_again(&mut self, file: Fd, flags: u32) {
            let node = self.descriptors.get(file).expect("open").file.node().expect("a file").clone();
            let again = OpenFile::new(Box::new(TreeFile(node)), flags);
            self.descriptors.insert(again, false, 0).expect("there is room");
        }

        fn flock(&mut self, fd: i32, operation: u32) -> Step {
            let (descriptors, locks) = (&mut self.descriptors, &mut self.locks);
            self.machine.call(|m, thread| flock(descriptors, locks, &mut m.threads, thread, Fd(fd), operation))
        }
    }

    const BUSY: Step = Step::Failed(Errno::EAGAIN);
    const DONE: Step = Step::Returned(0);

    #[test]
    fn errors() {
        let mut locking = Locking::new();
        locking.open_again(Fd(3), O_PATH);
        assert_eq!(locking.flock(99, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(locking.flock(99, LOCK_EX), Step::Failed(Errno::EBADF));
        assert_eq!(locking.flock(5, LOCK_UN), Step::Failed(Errno::EBADF));
        assert_eq!(locking.flock(3, LOCK_UN), DONE);
    }

    #[test]
    fn many_share_and_one_excludes() {
        let mut locking = Locking::new();
        assert_eq!(locking.flock(3, LOCK_SH), DONE);
        assert_eq!(locking.flock(4, LOCK_SH), DONE);
        assert_eq!(locking.flock(4, LOCK_EX | LOCK_NB), BUSY);
        // What did not work cost the shared lock.
        assert_eq!(locking.flock(3, LOCK_EX | LOCK_NB), DONE);
        assert_eq!(locking.flock(4, LOCK_SH | LOCK_NB), BUSY);
        // A duplicate is the same open file.
        let duplicate = locking.descriptors.get(Fd(3)).expect("open").clone();
        locking.descriptors.insert(duplicate, false, 0).expect("there is room");
        assert_eq!(locking.flock(5, LOCK_EX | LOCK_NB), DONE);
        assert!(locking.descriptors.remove(Fd(3)).is_ok());
        assert_eq!(locking.flock(4, LOCK_SH | LOCK_NB), BUSY);
        assert!(locking.descriptors.remove(Fd(5)).is_ok());
        assert_eq!(locking.flock(4, LOCK_EX | LOCK_NB), DONE, "the last descriptor took the lock with it");
    }

    #[test]
    fn waits_until_the_lock_is_given_up_or_closed() {
        let mut locking = Locking::new();
        assert_eq!(locking.flock(3, LOCK_EX), DONE);
        assert_eq!(locking.flock(4, LOCK_EX), Step::Switched(3, 0));
        assert_eq!(locking.flock(3, LOCK_UN), DONE);
        assert_eq!(locking.machine.yield_now(), Step::Switched(2, 4), "the call is made again");
        assert_eq!(locking.flock(4, LOCK_EX), DONE);
        assert_eq!(locking.flock(3, LOCK_SH), Step::Switched(3, 0));
        assert!(locking.descriptors.remove(Fd(4)).is_ok());
        assert_eq!(locking.machine.yield_now(), Step::Switched(2, 3));
        assert_eq!(locking.flock(3, LOCK_SH), DONE);
    }
}
