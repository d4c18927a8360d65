//! `fcntl(2)`: <https://man7.org/linux/man-pages/man2/fcntl.2.html>. Supported: F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
//! F_SETFD, F_GETFL, F_SETFL, F_GETPIPE_SZ; F_GETLK, F_SETLK, F_SETLKW, whose locks never meet another process's. Not
//! supported: locks of open files, signals on readiness, leases, seals, resizing pipes. Errors: EBADF, EINVAL, EMFILE,
//! EFAULT.

use crate::abi::open_flags::{O_APPEND, O_DIRECT, O_NOATIME, O_NONBLOCK};
use crate::abi::stat::{S_IFIFO, S_IFMT};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::check_owner;
use crate::user_memory::{UserAddress, UserMemory};

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
const F_GETOWN_EX: u32 = 16;
const F_OFD_GETLK: u32 = 36;
const F_OFD_SETLKW: u32 = 38;
const F_LINUX_SPECIFIC_BASE: u32 = 1024;
const F_DUPFD_CLOEXEC: u32 = 1030;
const F_GETPIPE_SZ: u32 = 1032;
const F_LAST: u32 = 1041;
const FD_CLOEXEC: u64 = 1;

/// The status flags that F_SETFL changes (include/linux/fcntl.h, SETFL_MASK; signals on readiness are refused below).
const CHANGEABLE_FLAGS: u32 = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;

/// What every pipe holds.
const PIPE_BYTES: usize = 65536;

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
    let open = descriptor.file.clone();
    if open.is_path_only() && !matches!(command, F_DUPFD | F_DUPFD_CLOEXEC | F_GETFD | F_SETFD | F_GETFL) {
        return Err(Errno::EBADF.into());
    }
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            // The argument is an int, compared with an unsigned limit.
            let least = argument as u32 as usize;
            if least >= limit {
                return Err(Errno::EINVAL.into());
            }
            let copy = descriptors.insert(open, command == F_DUPFD_CLOEXEC, least)?;
            Ok(copy.0 as usize)
        }
        F_GETFD => Ok(usize::from(descriptor.close_on_exec)),
        F_SETFD => {
            descriptor.close_on_exec = argument & FD_CLOEXEC != 0;
            Ok(0)
        }
        F_GETFL => Ok(open.flags.get() as usize),
        F_SETFL => {
            let new = argument as u32 & !open.flags.get();
            if let Some(node) = open.file.node().filter(|_| new & O_NOATIME != 0) {
                check_owner(node.owner.get().0)?;
            }
            let kept = open.flags.get() & !CHANGEABLE_FLAGS;
            open.flags.set(kept | argument as u32 & CHANGEABLE_FLAGS);
            Ok(0)
        }
        F_GETLK | F_SETLK | F_SETLKW => {
            let writable = (open.is_readable(), open.is_writable());
            record_lock(memory, command, writable, UserAddress(argument as usize))
        }
        F_GETPIPE_SZ if open.file.stat().mode & S_IFMT == S_IFIFO => Ok(PIPE_BYTES),
        F_GETPIPE_SZ => Err(Errno::EBADF.into()),
        F_SETOWN..=F_GETOWN_EX => Err(Refusal::Unsupported("fcntl about signals on readiness")),
        F_OFD_GETLK..=F_OFD_SETLKW => Err(Refusal::Unsupported("fcntl F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW")),
        F_LINUX_SPECIFIC_BASE..=F_LAST => {
            Err(Refusal::Unsupported("fcntl F_SETLEASE, F_NOTIFY, F_ADD_SEALS and the like"))
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Record locks keep processes apart, never a process from itself: with one process each is granted, and none is found.
fn record_lock(
    memory: &mut impl UserMemory,
    command: u32,
    (readable, writable): (bool, bool),
    address: UserAddress,
) -> SysResult {
    const F_RDLCK: u16 = 0;
    const F_WRLCK: u16 = 1;
    const F_UNLCK: u16 = 2;
    const LOCK_BYTES: usize = 32;

    let lock: [u8; LOCK_BYTES] = memory.read(address)?;
    let [type_low, type_high, whence_low, whence_high, ..] = lock;
    let (kind, whence) = (u16::from_le_bytes([type_low, type_high]), u16::from_le_bytes([whence_low, whence_high]));
    if whence > 2 || kind > F_UNLCK {
        return Err(Errno::EINVAL.into());
    }
    match kind {
        F_UNLCK if command == F_GETLK => return Err(Errno::EINVAL.into()),
        F_RDLCK if command != F_GETLK && !readable => return Err(Errno::EBADF.into()),
        F_WRLCK if command != F_GETLK && !writable => return Err(Errno::EBADF.into()),
        _ => {}
    }
    if command == F_GETLK {
        memory.write(address, &F_UNLCK.to_le_bytes())?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

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
}
