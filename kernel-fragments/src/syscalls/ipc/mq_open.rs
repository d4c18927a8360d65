//! `mq_open(2)`: <https://man7.org/linux/man-pages/man2/mq_open.2.html>. Supported: every flag. There is no file system of
//! queues to be seen. Errors: EFAULT, ENOENT, ENAMETOOLONG, EMFILE, EACCES, EEXIST, EINVAL, ENOSPC, ENOMEM.

use crate::abi::message_queue::QueueAttributes;
use crate::abi::open_flags::{
    O_ACCMODE, O_CREAT, O_DIRECT, O_EXCL, O_NOCTTY, O_PATH, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY,
};
use crate::abi::rlimit::RLIMIT_MSGQUEUE;
use crate::boot_info::BootInfo;
use crate::errno::{Errno, SysResult};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::file_rights::{READ, WRITE, check_stat};
use crate::subsystems::file_tree::FileTree;
use crate::subsystems::limits::Limits;
use crate::subsystems::message_queue::QueueFile;
use crate::subsystems::message_queues::{MessageQueues, check_name};
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::paths::read_nonempty_path;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::boxed::Box;

syscall!(180 => mq_open);

/// A descriptor for the queue `name`, which is made with the permission bits `mode` and the attributes at `attributes` (null: the usual
/// ones) if `flags` say so.
pub fn mq_open(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    tree: &mut FileTree,
    queues: &mut MessageQueues,
    limits: &mut Limits,
    threads: &mut Threads,
    thread: &mut Thread,
    boot: &BootInfo,
    name: UserAddress,
    flags: u32,
    mode: u32,
    attributes: UserAddress,
) -> SysResult {
    let attributes = match attributes.is_null() {
        true => None,
        false => Some(QueueAttributes::read(memory, attributes)?),
    };
    let name = read_nonempty_path(memory, name)?;
    descriptors.check_free()?;
    check_name(name)?;
    let queue = match queues.find(name) {
        Some(_) if flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL => return Err(Errno::EEXIST.into()),
        Some(queue) => {
            let wanted = match flags & O_ACCMODE {
                O_RDONLY => READ,
                O_WRONLY => WRITE,
                O_RDWR => READ | WRITE,
                _ => return Err(Errno::EINVAL.into()),
            };
            check_stat(&queue.stat(), wanted)?;
            queue.clone()
        }
        None if flags & O_CREAT == 0 => return Err(Errno::ENOENT.into()),
        None => {
            let inode = OwnInode::with_permissions(descriptors.new_pipe_number(), mode & 0o7777 & !tree.umask);
            let limit_bytes = limits.get(boot, RLIMIT_MSGQUEUE)?.soft;
            queues.create(threads, boot, name, attributes, thread.credentials.users().real, limit_bytes, inode)?
        }
    };
    if flags & O_DIRECT != 0 && flags & O_PATH == 0 {
        return Err(Errno::EINVAL.into());
    }
    let flags = flags & !(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    let open = OpenFile::new(Box::new(QueueFile::new(queue)), flags);
    Ok(descriptors.insert(open, true, 0)?.0 as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_NONBLOCK;
    use crate::register::Fd;
    use crate::subsystems::acting::act_without_capabilities;
    use crate::subsystems::limits::Limit;
    use crate::testing::FakeMemory;

    struct Machine {
        memory: FakeMemory,
        descriptors: Descriptors,
        tree: FileTree,
        queues: MessageQueues,
        limits: Limits,
    }

    impl Machine {
        fn new() -> Machine {
            Machine {
                memory: FakeMemory::new(5000),
                descriptors: Descriptors::new(),
                tree: FileTree::new(),
                queues: MessageQueues::new(),
                limits: Limits::new(),
            }
        }

        fn open(&mut self, name: &str, flags: u32, attributes: UserAddress) -> SysResult {
            let name = self.memory.put_c_string(0, name);
            self.open_at(name, flags, attributes)
        }

        fn open_at(&mut self, name: UserAddress, flags: u32, attributes: UserAddress) -> SysResult {
            let Machine { memory, descriptors, tree, queues, limits } = self;
            let (mut threads, mut thread, boot) = (Threads::new(), Thread::first(), BootInfo::default());
            mq_open(
                memory,
                descriptors,
                tree,
                queues,
                limits,
                &mut threads,
                &mut thread,
                &boot,
                name,
                flags,
                0o666,
                attributes,
            )
        }
    }

    #[test]
    fn errors_in_order() {
        let mut machine = Machine::new();
        let (bad, null) = (UserAddress(8), UserAddress::NULL);
        let wrong = machine.memory.put(4200, &[0; 64]);
        assert_eq!(machine.open_at(bad, O_CREAT, null), Err(Errno::EFAULT.into()));
        for (name, flags, attributes, expected) in [
            ("", O_CREAT, bad, Err(Errno::EFAULT.into())),
            ("", O_CREAT, wrong, Err(Errno::ENOENT.into())),
            ("/a", O_CREAT, wrong, Err(Errno::EACCES.into())),
            ("a", O_CREAT, wrong, Err(Errno::EINVAL.into())),
            ("a", 0, wrong, Err(Errno::ENOENT.into())),
            ("a", O_CREAT | O_RDWR | O_NONBLOCK, null, Ok(3)),
            ("a", O_CREAT | O_EXCL | O_ACCMODE, wrong, Err(Errno::EEXIST.into())),
            ("a", O_CREAT | O_ACCMODE, wrong, Err(Errno::EINVAL.into())),
            ("a", O_DIRECT, null, Err(Errno::EINVAL.into())),
            ("a", O_CREAT, wrong, Ok(4)),
            ("b", O_CREAT | O_ACCMODE, null, Ok(5)),
        ] {
            assert_eq!(machine.open(name, flags, attributes), expected, "{name} {flags:o}");
        }
        let open = machine.descriptors.entry(Fd(3)).expect("it is open");
        assert!(open.close_on_exec && open.file.flags.get() == O_RDWR | O_NONBLOCK);
        assert_eq!(open.file.file.stat().mode, 0o100644, "the umask");
        machine.descriptors.set_limit(6);
        assert_eq!(machine.open("/", O_CREAT, null), Err(Errno::EMFILE.into()));
        assert_eq!(machine.open("", O_CREAT, null), Err(Errno::ENOENT.into()));
    }

    #[test]
    fn the_limit_of_bytes() {
        let (mut machine, boot) = (Machine::new(), BootInfo::default());
        let limit = Limit { soft: 82879, hard: 819_200 };
        assert_eq!(machine.limits.set(&boot, RLIMIT_MSGQUEUE, limit), Ok(()));
        assert_eq!(machine.open("a", O_CREAT, UserAddress::NULL), Err(Errno::EMFILE.into()));
        let limit = Limit { soft: 82880, hard: 819_200 };
        assert_eq!(machine.limits.set(&boot, RLIMIT_MSGQUEUE, limit), Ok(()));
        assert_eq!(machine.open("a", O_CREAT, UserAddress::NULL), Ok(3));
    }

    #[test]
    fn who_may_use_it() {
        let mut machine = Machine::new();
        machine.tree.umask = 0o266;
        assert_eq!(machine.open("a", O_CREAT | O_RDWR, UserAddress::NULL), Ok(3), "who makes it may");
        assert_eq!(machine.open("a", O_WRONLY, UserAddress::NULL), Ok(4));
        act_without_capabilities();
        assert_eq!(machine.open("a", O_RDONLY, UserAddress::NULL), Ok(5));
        assert_eq!(machine.open("a", O_WRONLY, UserAddress::NULL), Err(Errno::EACCES.into()));
    }
}
