//! `socketpair(2)`: <https://man7.org/linux/man-pages/man2/socketpair.2.html>. Supported: AF_UNIX with SOCK_STREAM, SOCK_DGRAM and
//! SOCK_SEQPACKET; SOCK_CLOEXEC, SOCK_NONBLOCK; how much is queued before a sender waits is not exactly Linux's. Not supported:
//! other families. Errors: EINVAL, EMFILE, EFAULT, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT.

use crate::abi::open_flags::{O_CLOEXEC, O_NONBLOCK, O_RDWR};
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::paired_sockets::new_pair;
use crate::subsystems::unix_socket::{TYPE_MASK, socket_kind};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;

syscall!(199 => socketpair);

/// Makes two sockets that are connected with each other, and writes their descriptors to `address`.
pub fn socketpair(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    family: i32,
    kind: u32,
    protocol: i32,
    address: UserAddress,
) -> SysResult {
    let flags = kind & !TYPE_MASK;
    if flags & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL.into());
    }
    // Numbers are set aside and told before anybody looks at the family (net/socket.c, __sys_socketpair).
    descriptors.check_free()?;
    memory.slice_mut(address, 8)?;
    let kind = socket_kind(family, kind & TYPE_MASK, protocol)?;
    let numbers = [descriptors.new_pipe_number(), descriptors.new_pipe_number()];
    let [first, second] = new_pair(kind, numbers);
    let mut insert = |socket| {
        let open = OpenFile::new(Box::new(socket), O_RDWR | flags & O_NONBLOCK);
        descriptors.insert(open, flags & O_CLOEXEC != 0, 0)
    };
    let first = insert(first)?;
    match insert(second) {
        Ok(second) => memory.write_u64(address, first.0 as u32 as u64 | (second.0 as u64) << 32)?,
        Err(errno) => {
            descriptors.remove(first)?;
            return Err(errno.into());
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::pollfd::{POLLHUP, POLLIN, POLLOUT};
    use crate::errno::Refusal;
    use crate::register::Fd;
    use crate::testing::{FakeMemory, FakePlatform};

    #[test]
    fn errors_in_order() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let (good, bad) = (memory.address(0), UserAddress(8));
        let mut call = |descriptors: &mut Descriptors, family, kind, protocol, address| {
            socketpair(&mut memory, descriptors, family, kind, protocol, address)
        };
        for (family, kind, protocol, address, errno) in [
            (1, 0x11, 0, bad, Errno::EINVAL),
            (99, 1, 0, bad, Errno::EFAULT),
            (99, 1, 0, good, Errno::EAFNOSUPPORT),
            (1, 1, 6, good, Errno::EPROTONOSUPPORT),
            (1, 4, 0, good, Errno::ESOCKTNOSUPPORT),
        ] {
            assert_eq!(call(&mut descriptors, family, kind, protocol, address), Err(errno.into()), "{family} {kind}");
        }
        assert!(matches!(call(&mut descriptors, 2, 1, 0, good), Err(Refusal::Unsupported(_))));
        descriptors.set_limit(4);
        assert_eq!(call(&mut descriptors, 1, 1, 0, good), Err(Errno::EMFILE.into()));
        descriptors.set_limit(5);
        assert_eq!(call(&mut descriptors, 1, 1 | O_CLOEXEC, 0, good), Ok(0));
        assert!(descriptors.entry(Fd(4)).is_ok_and(|entry| entry.close_on_exec));
    }

    #[test]
    fn polled_and_closed() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let at = memory.address(0);
        assert_eq!(socketpair(&mut memory, &mut descriptors, 1, 1, 0, at), Ok(0));
        let [first, second] = [3, 4].map(|fd| descriptors.remove(Fd(fd)).expect("it is open").file);
        let mut platform = FakePlatform::new();
        let events = POLLIN | POLLOUT | POLLHUP;
        assert_eq!((first.file.ready() & events, first.file.stat().mode), (POLLOUT, 0o140777));
        assert_eq!(second.file.write(&mut platform, 0, b"abc"), Ok(3));
        assert_eq!((first.file.ready() & events, first.file.readable_bytes()), (POLLIN | POLLOUT, Some(3)));
        drop(second);
        assert_eq!(first.file.ready() & events, events);
        assert_eq!(first.file.read(&mut platform, 0, &mut [0; 8]), Ok(3));
        assert_eq!(first.file.read(&mut platform, 0, &mut [0; 8]), Ok(0));
    }

    /// What was not received is an error at the other end, once.
    #[test]
    fn closed_with_bytes_left() {
        let (mut memory, mut descriptors) = (FakeMemory::new(8), Descriptors::new());
        let at = memory.address(0);
        assert_eq!(socketpair(&mut memory, &mut descriptors, 1, 1, 0, at), Ok(0));
        let [first, second] = [3, 4].map(|fd| descriptors.remove(Fd(fd)).expect("it is open").file);
        let mut platform = FakePlatform::new();
        assert_eq!(first.file.write(&mut platform, 0, b"abc"), Ok(3));
        drop(second);
        assert_eq!(first.file.read(&mut platform, 0, &mut [0; 8]), Err(Errno::ECONNRESET.into()));
        assert_eq!(first.file.read(&mut platform, 0, &mut [0; 8]), Ok(0));
        assert_eq!(first.file.write(&mut platform, 0, b"abc"), Err(Errno::EPIPE.into()));
    }
}
