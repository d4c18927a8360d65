//! `epoll_ctl(2)`: <https://man7.org/linux/man-pages/man2/epoll_ctl.2.html>. Supported: EPOLL_CTL_ADD, EPOLL_CTL_MOD,
//! EPOLL_CTL_DEL, every flag, interest in another interest list. Errors: EFAULT, EBADF, EPERM, EINVAL, EEXIST, ENOENT, ELOOP.

use crate::abi::epoll::{EPOLLET, EPOLLEXCLUSIVE, EPOLLWAKEUP, EpollEvent};
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT};
use crate::errno::{Errno, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::{interest_list, nest};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Rc;

syscall!(21 => epoll_ctl);

const EPOLL_CTL_ADD: u32 = 1;
const EPOLL_CTL_DEL: u32 = 2;
const EPOLL_CTL_MOD: u32 = 3;

/// What may be asked for together with EPOLLEXCLUSIVE.
const EXCLUSIVE_EVENTS: u32 = (POLLIN | POLLOUT | POLLERR | POLLHUP) as u32 | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

/// Starts, changes or ends the interest of `list` in the file behind `fd`.
pub fn epoll_ctl(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    list: Fd,
    operation: u32,
    fd: Fd,
    event: UserAddress,
) -> SysResult {
    let nothing = EpollEvent { events: 0, data: 0 };
    let wanted = if operation == EPOLL_CTL_DEL { nothing } else { EpollEvent::read(memory, event)? };
    let list = descriptors.get(list)?.clone();
    let file = descriptors.get(fd)?;
    if !file.file.is_pollable() {
        return Err(Errno::EPERM.into());
    }
    let interests = interest_list(&list).filter(|_| !Rc::ptr_eq(&list, file)).ok_or(Errno::EINVAL)?;
    let is_exclusive = wanted.events & EPOLLEXCLUSIVE != 0;
    let is_list = interest_list(file).is_some();
    if is_exclusive && (operation == EPOLL_CTL_MOD || is_list || wanted.events & !EXCLUSIVE_EVENTS != 0) {
        return Err(Errno::EINVAL.into());
    }
    if is_list && operation == EPOLL_CTL_ADD {
        nest(&list, file)?;
    }
    match operation {
        EPOLL_CTL_ADD => interests.add(fd, file, wanted)?,
        EPOLL_CTL_DEL => interests.remove(fd, file)?,
        EPOLL_CTL_MOD => interests.modify(fd, file, wanted)?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR};
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::{File, OpenFile};
    use crate::subsystems::tree_file::open_with;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    /// The answers are those of Linux.
    #[test]
    fn errors_in_order() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        let mut open =
            |file: Box<dyn File>| descriptors.insert(OpenFile::new(file, O_RDWR), false, 0).expect("there is room");
        let (list, counter) = (open(Box::<Epoll>::default()), open(Box::new(EventCounter::new(0, false))));
        let file = open_with(&mut descriptors, b"", O_RDONLY);
        let good = memory.address(0);
        let mut call =
            |list, operation, fd, event| epoll_ctl(&mut memory, &mut descriptors, list, operation, fd, event);
        for (list, operation, fd, errno) in [
            (list, EPOLL_CTL_ADD, file, Errno::EPERM),
            (list, EPOLL_CTL_ADD, list, Errno::EINVAL),
            (file, EPOLL_CTL_ADD, counter, Errno::EINVAL),
            (Fd(99), EPOLL_CTL_ADD, counter, Errno::EBADF),
            (list, EPOLL_CTL_ADD, Fd(99), Errno::EBADF),
            (list, EPOLL_CTL_DEL, counter, Errno::ENOENT),
            (list, EPOLL_CTL_MOD, counter, Errno::ENOENT),
            (list, 9, counter, Errno::EINVAL),
        ] {
            assert_eq!(call(list, operation, fd, good), Err(errno.into()), "{operation} {fd:?}");
        }
        assert_eq!(call(Fd(99), EPOLL_CTL_ADD, counter, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert_eq!(call(list, EPOLL_CTL_ADD, counter, good), Ok(0));
        assert_eq!(call(list, EPOLL_CTL_ADD, counter, good), Err(Errno::EEXIST.into()));
        assert_eq!(call(list, EPOLL_CTL_DEL, counter, UserAddress(8)), Ok(0));
    }

    /// The answers are those of Linux.
    #[test]
    fn lists_in_lists() {
        let (mut memory, mut descriptors) = (FakeMemory::new(16), Descriptors::new());
        let mut open =
            |file: Box<dyn File>| descriptors.insert(OpenFile::new(file, O_RDWR), false, 0).expect("there is room");
        let lists = [(); 6].map(|()| open(Box::<Epoll>::default()));
        let counter = open(Box::new(EventCounter::new(1, false)));
        let event = memory.put(0, &[&1u32.to_le_bytes()[..], &[0; 4], &7u64.to_le_bytes()].concat());
        let mut add = |list: usize, fd| epoll_ctl(&mut memory, &mut descriptors, lists[list], EPOLL_CTL_ADD, fd, event);
        assert_eq!((add(1, lists[0]), add(1, lists[0])), (Ok(0), Err(Errno::EEXIST.into())));
        assert_eq!(add(0, lists[1]), Err(Errno::ELOOP.into()));
        assert_eq!((add(2, lists[1]), add(3, lists[2]), add(4, lists[3])), (Ok(0), Ok(0), Ok(0)));
        assert_eq!((add(5, lists[4]), add(0, lists[5])), (Err(Errno::ELOOP.into()), Err(Errno::ELOOP.into())));
        assert_eq!(add(0, lists[4]), Err(Errno::ELOOP.into()));
        assert_eq!(add(5, lists[3]), Ok(0), "beside the deepest");
        let top = descriptors.get(lists[4]).expect("it is open").clone();
        assert_eq!(top.file.ready(), 0);
        assert_eq!(epoll_ctl(&mut memory, &mut descriptors, lists[0], EPOLL_CTL_ADD, counter, event), Ok(0));
        assert_ne!(top.file.ready() & POLLIN, 0, "through all of them");
        let taken = interest_list(&top).expect("it is one").take(9);
        assert_eq!(taken, [EpollEvent { events: 1, data: 7 }]);
        // Who left is in no list any more.
        assert_eq!(epoll_ctl(&mut memory, &mut descriptors, lists[1], EPOLL_CTL_DEL, lists[0], event), Ok(0));
        assert_eq!(epoll_ctl(&mut memory, &mut descriptors, lists[0], EPOLL_CTL_ADD, lists[5], event), Ok(0));
        assert_eq!(top.file.ready(), 0);
    }
}
