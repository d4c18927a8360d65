//! `fcntl(2)`: <https://man7.org/linux/man-pages/man2/fcntl.2.html>. Supported: F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
//! F_SETFD, F_GETFL, F_SETFL, F_DUPFD_QUERY, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, F_SETPIPE_SZ, F_GET_SEALS,
//! F_ADD_SEALS; F_GETLK, F_SETLK, F_SETLKW, whose locks never meet another process's. Not supported: locks of open
//! files, signals on readiness, taking leases, packets in pipes, resizing standard streams. Errors: EBADF, EINVAL,
//! EMFILE, EFAULT, EOVERFLOW, EBUSY, EPERM, ENOMEM.

use crate::abi::open_flags::{O_APPEND, O_ASYNC, O_DIRECT, O_NOATIME, O_NONBLOCK};
use crate::abi::stat::{S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::check_owner;
use crate::subsystems::open_file::OpenFile;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

syscall!(25 => fcntl);

const F_DUPFD: u32 = 0;
const F_GETFD: u32 = 1;
const F_SETFD: u32 = 2;
const F_GETFL: u32 = 3;
const F_SETFL: u32 = 4;
const F_GETLK: u32 = 5;
const F_SETLK: u32 = 6;
const F_SETLKW: u32 = 7;
const F_SETOWN: u32 = 8;
const F_GETOWN: u32 = 9;
const F_GETSIG: u32 = 11;
const F_GETOWN_EX: u32 = 16;
const F_OFD_GETLK: u32 = 36;
const F_OFD_SETLKW: u32 = 38;
const F_LINUX_SPECIFIC_BASE: u32 = 1024;
const F_GETLEASE: u32 = 1025;
const F_DUPFD_QUERY: u32 = 1027;
const F_CANCELLK: u32 = 1029;
const F_DUPFD_CLOEXEC: u32 = 1030;
const F_SETPIPE_SZ: u32 = 1031;
const F_GETPIPE_SZ: u32 = 1032;
const F_ADD_SEALS: u32 = 1033;
const F_GET_SEALS: u32 = 1034;
const F_SET_RW_HINT: u32 = 1036;
const F_UNLCK: u16 = 2;
const F_SEAL_SEAL: usize = 1;
const ALL_SEALS: u64 = 0x3f;
const FD_CLOEXEC: u64 = 1;

/// The status flags that F_SETFL changes (include/linux/fcntl.h, SETFL_MASK, and O_ASYNC, which some kinds of file
/// take).
const CHANGEABLE_FLAGS: u32 = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC;

/// Carries out `command` on a descriptor.
pub fn fcntl(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    command: u32,
    argument: u64,
) -> SysResult {
    let limit = descriptors.limit();
    let descriptor = descriptors.entry(fd)?;
    let open = &descriptor.file;
    if open.is_path_only()
        && !matches!(command, F_DUPFD | F_DUPFD_CLOEXEC | F_DUPFD_QUERY | F_GETFD | F_SETFD | F_GETFL)
    {
        return Err(Errno::EBADF.into());
    }
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            // The argument is an int, compared with an unsigned limit.
            let least = argument as u32 as usize;
            if least >= limit {
                return Err(Errno::EINVAL.into());
            }
            let file = open.clone();
            let copy = descriptors.insert(file, command == F_DUPFD_CLOEXEC, least)?;
            Ok(copy.0 as usize)
        }
        F_GETFD => Ok(usize::from(descriptor.close_on_exec)),
        F_SETFD => {
            descriptor.close_on_exec = argument & FD_CLOEXEC != 0;
            Ok(0)
        }
        F_GETFL => Ok(open.flags.get() as usize),
        F_SETFL => {
            let mut flags = argument as u32 & CHANGEABLE_FLAGS;
            if let Some(node) = open.file.node().filter(|_| flags & !open.flags.get() & O_NOATIME != 0) {
                check_owner(node.owner.get().0)?;
            }
            if flags & (O_DIRECT | O_ASYNC) != 0 {
                flags = rare_flags(open, flags)?;
            }
            open.flags.set(open.flags.get() & !CHANGEABLE_FLAGS | flags);
            Ok(0)
        }
        F_GETLK | F_SETLK | F_SETLKW => record_lock(memory, command, open, UserAddress(argument as usize)),
        _ => {
            let open = open.clone();
            rare_command(descriptors, &open, command, argument)
        }
    }
}

/// The same for commands that few programs use, on `open`.
#[cold]
fn rare_command(descriptors: &mut Descriptors, open: &Rc<OpenFile>, command: u32, argument: u64) -> SysResult {
    match command {
        F_DUPFD_QUERY => {
            let other = descriptors.any(Fd(argument as i32));
            Ok(usize::from(other.is_ok_and(|other| Rc::ptr_eq(other, open))))
        }
        // Nobody is signalled: F_SETOWN is refused. Nobody has a lease either.
        F_GETOWN | F_GETSIG => Ok(0),
        F_GETLEASE => Ok(usize::from(F_UNLCK)),
        F_GETPIPE_SZ => open.file.pipe_bytes(None),
        F_SETPIPE_SZ => open.file.pipe_bytes(Some(argument as u32)),
        // No file of a tmpfs has seals but the one that keeps it from getting others (mm/memfd.c).
        F_GET_SEALS if open.regular().is_some() => Ok(F_SEAL_SEAL),
        F_ADD_SEALS if !open.is_writable() => Err(Errno::EPERM.into()),
        F_ADD_SEALS if argument & !ALL_SEALS == 0 && open.regular().is_some() => Err(Errno::EPERM.into()),
        F_GET_SEALS | F_ADD_SEALS => Err(Errno::EINVAL.into()),
        F_CANCELLK => Err(Errno::EINVAL.into()), // of the kernel's own users
        F_SETOWN..=F_GETOWN_EX => Err(Refusal::Unsupported("fcntl about signals on readiness")),
        F_OFD_GETLK..=F_OFD_SETLKW => Err(Refusal::Unsupported("fcntl F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW")),
        F_LINUX_SPECIFIC_BASE..=F_SET_RW_HINT => {
            Err(Refusal::Unsupported("fcntl F_SETLEASE, F_NOTIFY, F_SET_RW_HINT and the like"))
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// What of `flags`, which contain O_DIRECT or O_ASYNC, files like `open` take (fs/fcntl.c, setfl).
///
/// # Errors
/// EINVAL where O_DIRECT means nothing. Unsupported: packets.
#[cold]
fn rare_flags(open: &OpenFile, flags: u32) -> Result<u32, Refusal> {
    let kind = open.file.stat().mode & S_IFMT;
    match kind {
        _ if flags & O_DIRECT == 0 => {}
        S_IFREG => {}
        S_IFIFO => return Err(Refusal::Unsupported("fcntl F_SETFL with O_DIRECT on a pipe: packets")),
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(if matches!(kind, S_IFIFO | S_IFSOCK) { flags } else { flags & !O_ASYNC })
}

/// Record locks keep processes apart, never a process from itself: with one process each is granted, and none is found.
fn record_lock(memory: &mut impl UserMemory, command: u32, open: &OpenFile, address: UserAddress) -> SysResult {
    const F_RDLCK: u16 = 0;
    const F_WRLCK: u16 = 1;

    // Type and whence, start, length, and the process, which nobody looks at.
    let ([kinds, start], [length, _]) = (memory.read_pair(address)?, memory.read_pair(address.add(16))?);
    let (kind, whence) = (kinds as u16, (kinds >> 16) as u16);
    if whence > 2 || kind > F_UNLCK || kind == F_UNLCK && command == F_GETLK {
        return Err(Errno::EINVAL.into());
    }
    // Most are on the first bytes of the file, or a few far behind.
    if whence != 0 || start >> 62 != 0 || length >> 62 != 0 {
        check_range(open, whence, start.cast_signed(), length.cast_signed())?;
    }
    match kind {
        F_RDLCK if command != F_GETLK && !open.is_readable() => return Err(Errno::EBADF.into()),
        F_WRLCK if command != F_GETLK && !open.is_writable() => return Err(Errno::EBADF.into()),
        _ => {}
    }
    if command == F_GETLK {
        memory.write(address, &F_UNLCK.to_le_bytes())?;
    }
    Ok(0)
}

/// Whether a lock of `length` bytes from `start` on is on bytes that a file can have (fs/locks.c, flock64_to_posix_lock).
///
/// # Errors
/// EINVAL for a negative position, EOVERFLOW for one that is too large.
#[cold]
fn check_range(open: &OpenFile, whence: u16, start: i64, length: i64) -> Result<(), Errno> {
    let base = match whence {
        0 => 0,
        1 => open.offset.get() as i64,
        _ => open.file.stat().size_bytes as i64,
    };
    let start = base.checked_add(start).ok_or(Errno::EOVERFLOW)?;
    // A negative length is that of what lies before.
    if start < 0 || length < 0 && start.checked_add(length).is_none_or(|first| first < 0) {
        return Err(Errno::EINVAL);
    }
    if length > 0 && start.checked_add(length - 1).is_none() { Err(Errno::EOVERFLOW) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::{Contents, Kind};
    use crate::subsystems::open_file::File;
    use crate::subsystems::pipe::new_pipe;
    use crate::subsystems::tree_file::TreeFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn duplicates_share_the_file() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        let mut call = |fd, command, argument| fcntl(&mut memory, &mut descriptors, Fd(fd), command, argument);
        assert_eq!(call(1, F_DUPFD, 10), Ok(10));
        assert_eq!(call(1, F_DUPFD_CLOEXEC, 10), Ok(11));
        assert_eq!((call(10, F_GETFD, 0), call(11, F_GETFD, 0)), (Ok(0), Ok(1)));
        assert_eq!(call(10, F_SETFL, u64::from(O_NONBLOCK | 2)), Ok(0));
        assert_eq!(call(1, F_GETFL, 0), Ok((O_NONBLOCK | 1) as usize));
        assert_eq!(call(1, F_SETFD, 3), Ok(0));
        assert_eq!((call(1, F_GETFD, 0), call(10, F_GETFD, 0)), (Ok(1), Ok(0)));
    }

    #[test]
    fn errors() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        let mut call = |fd, command, argument| fcntl(&mut memory, &mut descriptors, Fd(fd), command, argument);
        assert_eq!(call(77, 9999, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(1, 9999, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(1, F_DUPFD, 1024), Err(Errno::EINVAL.into()));
        assert_eq!(call(1, F_DUPFD, u64::MAX), Err(Errno::EINVAL.into()));
        assert_eq!(call(1, F_DUPFD, 1023), Ok(1023));
        assert_eq!(call(1, F_DUPFD, 1023), Err(Errno::EMFILE.into()));
        assert_eq!(call(1, F_GETPIPE_SZ, 0), Ok(65536));
    }

    #[test]
    fn record_locks_never_conflict() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        let lock = memory.put(0, &1u16.to_le_bytes()).0 as u64;
        assert_eq!(fcntl(&mut memory, &mut descriptors, Fd(1), F_SETLK, lock), Ok(0));
        assert_eq!(fcntl(&mut memory, &mut descriptors, Fd(0), F_SETLK, lock), Err(Errno::EBADF.into()));
        assert_eq!(fcntl(&mut memory, &mut descriptors, Fd(1), F_SETLK, 8), Err(Errno::EFAULT.into()));
        assert_eq!(fcntl(&mut memory, &mut descriptors, Fd(1), F_GETLK, lock), Ok(0));
        assert_eq!(memory.bytes(0, 2), 2u16.to_le_bytes());
    }

    /// Type, whence, start and length of a lock.
    #[test]
    fn record_locks_of_what_no_file_has() {
        let (mut memory, mut descriptors) = (FakeMemory::new(64), Descriptors::new());
        for (kind, whence, start, length, expected) in [
            (1u16, 0u16, -1i64, 0i64, Err(Errno::EINVAL.into())),
            (1, 0, 5, -6, Err(Errno::EINVAL.into())),
            (1, 1, 5, -5, Ok(0)),
            (1, 0, i64::MAX, 1, Ok(0)),
            (1, 0, i64::MAX, 2, Err(Errno::EOVERFLOW.into())),
            (0, 0, i64::MAX, 2, Err(Errno::EOVERFLOW.into())),
            (2, 2, i64::MAX, 0, Ok(0)),
            (3, 0, -1, 0, Err(Errno::EINVAL.into())),
        ] {
            let lock = memory.put(0, &[kind.to_le_bytes(), whence.to_le_bytes()].concat()).0 as u64;
            memory.put(8, &[start.to_le_bytes(), length.to_le_bytes()].concat());
            assert_eq!(fcntl(&mut memory, &mut descriptors, Fd(1), F_SETLK, lock), expected, "{start} {length}");
        }
    }

    #[test]
    fn flags_that_few_kinds_take() {
        let (mut memory, mut descriptors, mut tree) = (FakeMemory::new(64), Descriptors::new(), FileTree::new());
        let mut insert =
            |file: Box<dyn File>| descriptors.insert(OpenFile::new(file, O_RDWR), false, 0).expect("room").0;
        let file = insert(Box::new(TreeFile(tree.new_node(Kind::Regular(Contents::empty()), 0))));
        let (counter, pipe) = (insert(Box::new(EventCounter::new(0, false))), insert(Box::new(new_pipe(4).0)));
        let mut call =
            |fd, command, argument: u32| fcntl(&mut memory, &mut descriptors, Fd(fd), command, argument.into());
        assert_eq!((call(file, F_SETFL, O_DIRECT | O_ASYNC), call(file, F_GETFL, 0)), (Ok(0), Ok(0o40002)));
        assert_eq!((call(pipe, F_SETFL, O_ASYNC), call(pipe, F_GETFL, 0)), (Ok(0), Ok(0o20002)));
        assert_eq!((call(pipe, F_SETFL, 0), call(pipe, F_GETFL, 0)), (Ok(0), Ok(2)));
        assert_eq!(call(counter, F_SETFL, O_DIRECT | O_NONBLOCK), Err(Errno::EINVAL.into()));
        assert_eq!((call(counter, F_SETFL, O_ASYNC), call(counter, F_GETFL, 0)), (Ok(0), Ok(2)));
        assert!(matches!(call(pipe, F_SETFL, O_DIRECT), Err(Refusal::Unsupported(_))));
        assert_eq!((call(pipe, F_SETPIPE_SZ, 1 << 20), call(pipe, F_GETPIPE_SZ, 0)), (Ok(1 << 20), Ok(1 << 20)));
        assert_eq!(
            (call(file, F_SETPIPE_SZ, 1), call(file, F_GETPIPE_SZ, 0)),
            (Err(Errno::EBADF.into()), Err(Errno::EBADF.into()))
        );
        assert_eq!(
            (call(pipe, F_GETLEASE, 0), call(pipe, F_GETOWN, 0), call(pipe, F_GETSIG, 0)),
            (Ok(2), Ok(0), Ok(0))
        );
        assert_eq!((call(file, F_GET_SEALS, 0), call(file, F_ADD_SEALS, 2)), (Ok(1), Err(Errno::EPERM.into())));
        let invalid = Err(Errno::EINVAL.into());
        assert_eq!((call(pipe, F_GET_SEALS, 0), call(pipe, F_ADD_SEALS, 2)), (invalid, invalid));
        assert_eq!((call(file, F_ADD_SEALS, 64), call(1, F_GET_SEALS, 0)), (invalid, invalid));
        let copy = call(file, F_DUPFD, 0).expect("there is room") as u32;
        assert_eq!((call(file, F_DUPFD_QUERY, copy), call(file, F_DUPFD_QUERY, pipe as u32)), (Ok(1), Ok(0)));
        assert_eq!(call(file, F_DUPFD_QUERY, 99), Ok(0));
    }
}
