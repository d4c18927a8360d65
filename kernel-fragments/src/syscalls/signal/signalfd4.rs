//! `signalfd4(2)`: <https://man7.org/linux/man-pages/man2/signalfd.2.html>. Supported: everything. Who polls the file, by itself
//! or by an epoll, sees what is pending for the polling thread. Errors: EINVAL, EFAULT, EBADF, EMFILE.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::abi::signal::{SET_BYTES, UNBLOCKABLE};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::signal_files::{SignalFile, signal_file};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;

syscall!(74 => signalfd4);

/// A descriptor from which the signals of the set at `address` are read: a new one for -1, else `fd` from now on.
pub fn signalfd4(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: i32,
    address: UserAddress,
    set_bytes: usize,
    flags: u32,
) -> SysResult {
    if set_bytes != SET_BYTES {
        return Err(Errno::EINVAL.into());
    }
    let mask = memory.read_u64(address)? & !UNBLOCKABLE;
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    if fd == -1 {
        let file = OpenFile::new(Box::new(SignalFile::new(mask)), O_RDWR | flags & O_NONBLOCK);
        return Ok(descriptors.insert(file, flags & O_CLOEXEC != 0, 0)?.0 as usize);
    }
    let open = descriptors.get(Fd(fd))?;
    signal_file(open).ok_or(Errno::EINVAL)?.set_mask(mask);
    Ok(fd as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::pollfd::POLLIN;
    use crate::abi::signal::{SIGKILL, SIGTERM, SIGUSR1, set_of};
    use crate::subsystems::signal_files::show_pending;
    use crate::subsystems::signals::Signals;
    use crate::testing::FakeMemory;
    use crate::thread::Thread;

    #[test]
    fn made_changed_and_polled() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        thread.signal_mask = set_of(SIGTERM);
        let set = memory.put(0, &(set_of(SIGTERM) | set_of(SIGKILL) | set_of(SIGUSR1)).to_le_bytes());
        let mut call = |fd, address, bytes, flags| signalfd4(&mut memory, &mut descriptors, fd, address, bytes, flags);
        for (fd, address, bytes, flags, errno) in [
            (-1, set, 4, 0, Errno::EINVAL),
            (-1, UserAddress(8), 8, 1, Errno::EFAULT),
            (-1, set, 8, 1, Errno::EINVAL),
            (9, set, 8, 0, Errno::EBADF),
            (-2, set, 8, 0, Errno::EBADF),
            (1, set, 8, 0, Errno::EINVAL),
        ] {
            assert_eq!(call(fd, address, bytes, flags), Err(errno.into()), "{fd} {bytes} {flags}");
        }
        assert_eq!(call(-1, set, 8, O_CLOEXEC | O_NONBLOCK), Ok(3));
        assert_eq!(signals.send_to_thread(&mut thread, SIGTERM), Ok(()));
        assert_eq!(show_pending(&mut descriptors, &signals, &thread), set_of(SIGTERM), "handlers take the other");
        let file = descriptors.get(Fd(3)).expect("it is open").clone();
        let seen = file.file.activity();
        assert_eq!(file.file.ready(), POLLIN);
        memory.put(0, &set_of(SIGUSR1).to_le_bytes());
        assert_eq!(signalfd4(&mut memory, &mut descriptors, 3, set, 8, 0), Ok(3));
        assert_eq!(file.file.ready(), 0);
        assert!(file.file.activity() > seen, "who waits looks again");
    }
}
