//! `epoll_ctl(2)`: <https://man7.org/linux/man-pages/man2/epoll_ctl.2.html>. Supported: EPOLL_CTL_ADD, EPOLL_CTL_MOD,
//! EPOLL_CTL_DEL, every flag; not supported: interest in another interest list. Errors: EFAULT, EBADF, EPERM, EINVAL,
//! EEXIST, ENOENT.

use crate::abi::epoll::{EPOLLET, EPOLLEXCLUSIVE, EPOLLWAKEUP, EpollEvent};
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT};
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::interest_list;
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
    if is_exclusive && (operation == EPOLL_CTL_MOD || wanted.events & !EXCLUSIVE_EVENTS != 0) {
        return Err(Errno::EINVAL.into());
    }
    if interest_list(file).is_some() && operation == EPOLL_CTL_ADD {
        return Err(Refusal::Unsupported("epoll_ctl of one epoll descriptor on another"));
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
}
