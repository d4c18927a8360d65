//! `mq_notify(2)`: <https://man7.org/linux/man-pages/man2/mq_notify.2.html>. Supported: SIGEV_SIGNAL, SIGEV_NONE; SIGEV_THREAD
//! is refused as by Linux where it is given no netlink socket, which `socket` does not make. Errors: EFAULT, EINVAL, EBADF, EBUSY, ENOTSOCK.

use crate::abi::signal::HIGHEST;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queue::{Notice, queue_file};
use crate::subsystems::sockets::socket_of;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(184 => mq_notify);

const SIGEV_SIGNAL: u32 = 0;
const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD: u32 = 2;

/// Bytes of `struct sigevent`, and of what SIGEV_THREAD sends (NOTIFY_COOKIE_LEN).
const SIGEVENT_BYTES: usize = 64;
const COOKIE_BYTES: usize = 32;

/// Has the queue `fd` tell as the `sigevent` at `event` says when it is empty no more and nobody waits for what comes; null: it tells
/// nobody any more.
pub fn mq_notify(memory: &mut impl UserMemory, descriptors: &mut Descriptors, fd: Fd, event: UserAddress) -> SysResult {
    let notice = match event.is_null() {
        true => None,
        false => Some(read_notice(memory, descriptors, event)?),
    };
    let queue = &queue_file(descriptors.get(fd)?)?.queue;
    match notice {
        Some(notice) => queue.set_notice(notice)?,
        None if queue.forget_notice() => queue.note_access(),
        None => {}
    }
    Ok(0)
}

/// ipc/mqueue.c, do_mq_notify.
fn read_notice(memory: &impl UserMemory, descriptors: &mut Descriptors, event: UserAddress) -> Result<Notice, Errno> {
    memory.slice(event, SIGEVENT_BYTES)?;
    let (value, signal, how) =
        (memory.read_u64(event)?, memory.read_u32(event.add(8))?, memory.read_u32(event.add(12))?);
    match how {
        SIGEV_NONE => Ok(Notice::Nobody),
        SIGEV_SIGNAL if signal <= HIGHEST => Ok(Notice::Signal(signal, value)),
        SIGEV_THREAD => {
            memory.slice(UserAddress(value as usize), COOKIE_BYTES)?;
            // No socket here is one of netlink.
            socket_of(descriptors.get(Fd(signal.cast_signed()))?)?;
            Err(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_PATH, O_RDWR};
    use crate::subsystems::message_queue::{Queue, QueueFile};
    use crate::subsystems::message_queues::note_closing;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::own_inode::OwnInode;
    use crate::syscalls::net::socket::socket;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;
    use alloc::rc::Rc;

    #[test]
    fn one_is_told() {
        let (mut memory, mut descriptors) = (FakeMemory::new(128), Descriptors::new());
        let queue = Rc::new(Queue::new((3, 8), 0, OwnInode::new(7), 0));
        let open = OpenFile::new(Box::new(QueueFile::new(queue.clone())), O_RDWR);
        let path_only = OpenFile::new(Box::new(QueueFile::new(queue)), O_PATH);
        descriptors.insert(open.clone(), false, 0).expect("there is room");
        assert_eq!(socket(&mut descriptors, 1, 1, 0), Ok(4));
        let mut notify = |fd, value: u64, signal: u32, how: u32| {
            let event = [&value.to_le_bytes()[..], &signal.to_le_bytes(), &how.to_le_bytes(), &[0; 48]].concat();
            let event = memory.put(0, &event);
            mq_notify(&mut memory, &mut descriptors, Fd(fd), event)
        };
        for (fd, value, signal, how, expected) in [
            (9, 0, 65, SIGEV_SIGNAL, Err(Errno::EINVAL.into())),
            (9, 0, 10, 3, Err(Errno::EINVAL.into())),
            (9, 8, 4, SIGEV_THREAD, Err(Errno::EFAULT.into())),
            (9, 0, 10, SIGEV_SIGNAL, Err(Errno::EBADF.into())),
            (4, 0, 10, SIGEV_SIGNAL, Err(Errno::EBADF.into())),
            (3, 7, 10, SIGEV_SIGNAL, Ok(0)),
            (3, 7, 10, SIGEV_NONE, Err(Errno::EBUSY.into())),
        ] {
            assert_eq!(notify(fd, value, signal, how), expected, "{fd} {signal} {how}");
        }
        note_closing(&path_only);
        assert_eq!(notify(3, 0, 0, SIGEV_NONE), Err(Errno::EBUSY.into()), "but what was opened with O_PATH");
        note_closing(&open);
        assert_eq!(notify(3, 0, 0, SIGEV_SIGNAL), Ok(0), "any closing ends it");
        let cookie = memory.address(64).0 as u64;
        for (signal, errno) in [(77u32, Errno::EBADF), (3, Errno::ENOTSOCK), (4, Errno::EINVAL)] {
            let event = [&cookie.to_le_bytes()[..], &signal.to_le_bytes(), &SIGEV_THREAD.to_le_bytes(), &[0; 48]];
            let event = memory.put(0, &event.concat());
            assert_eq!(mq_notify(&mut memory, &mut descriptors, Fd(3), event), Err(errno.into()));
        }
        let null = UserAddress::NULL;
        assert_eq!(mq_notify(&mut memory, &mut descriptors, Fd(3), null), Ok(0));
        assert_eq!(mq_notify(&mut memory, &mut descriptors, Fd(9), null), Err(Errno::EBADF.into()));
        assert_eq!(mq_notify(&mut memory, &mut descriptors, Fd(3), UserAddress(8)), Err(Errno::EFAULT.into()));
    }
}
