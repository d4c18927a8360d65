//! `mq_unlink(2)`: <https://man7.org/linux/man-pages/man2/mq_unlink.2.html>. Supported: everything. Errors: EFAULT, ENOENT,
//! ENAMETOOLONG, EACCES, EPERM.

use crate::errno::{Errno, SysResult};
use crate::subsystems::file_rights::check_owner;
use crate::subsystems::message_queues::{MessageQueues, check_name};
use crate::subsystems::paths::read_nonempty_path;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(181 => mq_unlink);

/// The user whose the directory of the queues is.
const ROOT: u32 = 0;

/// Takes the queue `name` its name. It is gone with the last of its descriptors.
pub fn mq_unlink(memory: &mut impl UserMemory, queues: &mut MessageQueues, name: UserAddress) -> SysResult {
    let name = read_nonempty_path(memory, name)?;
    check_name(name)?;
    let queue = queues.find(name).ok_or(Errno::ENOENT)?.clone();
    // The directory is sticky (fs/namei.c, may_delete).
    check_owner(queue.stat().uid).or_else(|_| check_owner(ROOT))?;
    queues.unlink(&queue);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot_info::BootInfo;
    use crate::subsystems::own_inode::OwnInode;
    use crate::subsystems::threads::Threads;
    use crate::testing::FakeMemory;

    #[test]
    fn once() {
        let (mut memory, mut queues) = (FakeMemory::new(5000), MessageQueues::new());
        let queue = queues
            .create(&mut Threads::new(), &BootInfo::default(), b"a", None, 0, u64::MAX, OwnInode::new(1))
            .expect("there is room");
        let mut unlink = |name| {
            let name = memory.put_c_string(0, name);
            mq_unlink(&mut memory, &mut queues, name)
        };
        assert_eq!((unlink(""), unlink("b")), (Err(Errno::ENOENT.into()), Err(Errno::ENOENT.into())));
        assert_eq!((unlink("/a"), unlink("a"), queue.stat().links), (Err(Errno::EACCES.into()), Ok(0), 0));
        assert_eq!(unlink("a"), Err(Errno::ENOENT.into()));
    }
}
