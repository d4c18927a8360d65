//! `mq_getsetattr(2)`: <https://man7.org/linux/man-pages/man2/mq_getsetattr.2.html>. Supported: everything. Errors: EFAULT, EINVAL, EBADF.

use crate::abi::message_queue::QueueAttributes;
use crate::abi::open_flags::O_NONBLOCK;
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queue::queue_file;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(185 => mq_getsetattr);

/// Stores the attributes of the queue `fd` at `old`, and sets O_NONBLOCK as the ones at `new` say; either may be null.
pub fn mq_getsetattr(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    new: UserAddress,
    old: UserAddress,
) -> SysResult {
    let new = if new.is_null() { None } else { Some(QueueAttributes::read(memory, new)?.flags.cast_unsigned()) };
    let only = u64::from(O_NONBLOCK);
    if new.is_some_and(|flags| flags & !only != 0) {
        return Err(Errno::EINVAL.into());
    }
    let open = descriptors.get(fd)?;
    let (file, flags) = (queue_file(open)?, open.flags.get());
    if let Some(new) = new {
        open.flags.set(flags & !O_NONBLOCK | new as u32);
        file.queue.note_access();
    }
    if !old.is_null() {
        let attributes = QueueAttributes { flags: i64::from(flags & O_NONBLOCK), ..file.queue.attributes() };
        attributes.write(memory, old)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::message_queue::{Queue, QueueFile};
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::own_inode::OwnInode;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;
    use alloc::rc::Rc;

    #[test]
    fn only_one_flag_changes() {
        let (mut memory, mut descriptors) = (FakeMemory::new(128), Descriptors::new());
        let queue = Rc::new(Queue::new((3, 8), 0, OwnInode::new(7), 0));
        let open = OpenFile::new(Box::new(QueueFile::new(queue)), O_RDWR);
        descriptors.insert(open, false, 0).expect("there is room");
        let (old, null) = (memory.address(64), UserAddress::NULL);
        let told = |flags| Ok(QueueAttributes { flags, most_messages: 3, most_bytes: 8, messages: 0 });
        let nonblocking = i64::from(O_NONBLOCK);
        for (flags, before) in [(nonblocking, 0), (0, nonblocking)] {
            let new = memory.put(0, &[flags, 99, 99, 99, 1, 1, 1, 1].map(i64::to_le_bytes).concat());
            assert_eq!(mq_getsetattr(&mut memory, &mut descriptors, Fd(3), new, old), Ok(0));
            assert_eq!(QueueAttributes::read(&memory, old), told(before));
        }
        assert_eq!(mq_getsetattr(&mut memory, &mut descriptors, Fd(3), null, null), Ok(0));
        let wrong = memory.put(0, &[1, 0, 0, 0, 0, 0, 0, 0].map(i64::to_le_bytes).concat());
        for (fd, new, old, errno) in [
            (9, wrong, null, Errno::EINVAL),
            (9, null, null, Errno::EBADF),
            (1, null, null, Errno::EBADF),
            (3, UserAddress(8), null, Errno::EFAULT),
            (3, null, UserAddress(8), Errno::EFAULT),
        ] {
            assert_eq!(mq_getsetattr(&mut memory, &mut descriptors, Fd(fd), new, old), Err(errno.into()));
        }
    }
}
