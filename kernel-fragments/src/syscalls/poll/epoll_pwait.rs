//! `epoll_pwait(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>. Supported: events that are there at once,
//! and a timeout of 0; not supported: waiting. Errors: EINVAL, EFAULT, EBADF.

use crate::abi::epoll::EPOLL_EVENT_BYTES;
use crate::errno::{Errno, Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::interest_list;
use crate::subsystems::poll_arguments::check_signal_mask;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(22 => epoll_pwait);

/// Most events of one call (fs/eventpoll.c, EP_MAX_EVENTS).
const MAX_EVENTS: i32 = i32::MAX / EPOLL_EVENT_BYTES as i32;

/// Writes up to `limit` events of the interest list behind `fd` to `address` and returns their number.
pub fn epoll_pwait(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout_ms: i32,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> SysResult {
    check_signal_mask(memory, signal_mask, signal_mask_bytes)?;
    if limit <= 0 || limit > MAX_EVENTS {
        return Err(Errno::EINVAL.into());
    }
    let open = descriptors.get(fd)?;
    let interests = interest_list(open).ok_or(Errno::EINVAL)?;
    let events = interests.take(limit as usize);
    if events.is_empty() && timeout_ms != 0 {
        return Err(Refusal::Unsupported("epoll_pwait that waits"));
    }
    for (index, event) in events.iter().enumerate() {
        event.write(memory, address.add(index * EPOLL_EVENT_BYTES))?;
    }
    Ok(events.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::epoll::EpollEvent;
    use crate::abi::open_flags::O_RDWR;
    use crate::abi::pollfd::POLLIN;
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn tells_what_is_ready() {
        let (mut memory, mut descriptors) = (FakeMemory::new(32), Descriptors::new());
        let counter = OpenFile::new(Box::new(EventCounter::new(1, false)), O_RDWR);
        let epoll = Epoll::default();
        assert_eq!(epoll.add(Fd(9), &counter, EpollEvent { events: u32::from(POLLIN), data: 5 }), Ok(()));
        let list = descriptors.insert(OpenFile::new(Box::new(epoll), O_RDWR), false, 0).expect("there is room");
        let (buffer, bad) = (memory.address(0), UserAddress(8));
        let mut call = |fd, address, limit, timeout_ms| {
            epoll_pwait(&mut memory, &mut descriptors, fd, address, limit, timeout_ms, UserAddress::NULL, 0)
        };
        assert_eq!(call(list, buffer, 0, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(99), buffer, -1, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(Fd(99), buffer, 1, 0), Err(Errno::EBADF.into()));
        assert_eq!(call(Fd(1), buffer, 1, 0), Err(Errno::EINVAL.into()));
        assert_eq!(call(list, bad, 1, 0), Err(Errno::EFAULT.into()));
        assert_eq!(call(list, buffer, 2, -1), Ok(1));
        drop(counter);
        assert_eq!(call(list, bad, 1, 0), Ok(0));
        assert!(matches!(call(list, buffer, 1, 1), Err(Refusal::Unsupported(_))));
        assert_eq!(memory.bytes(0, 9), [1, 0, 0, 0, 0, 0, 0, 0, 5]);
    }
}
