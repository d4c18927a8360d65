//! `epoll_pwait2(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>, where there is only one thread: files change by
//! time only. Supported: everything but waiting for what can never happen, and letting a pending signal in by another mask.
//! Errors: EINVAL, EFAULT, EBADF.

use crate::errno::SysResult;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::read_timeout;
use crate::syscalls::poll::epoll_pwait_single::wait_for_events;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(441 => epoll_pwait2, single_thread);

/// As `epoll_pwait`, for at most the time at `timeout`, for ever if that is null.
pub fn epoll_pwait2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout: UserAddress,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> SysResult {
    let timeout_ns = read_timeout(memory, timeout)?;
    let mask = (signal_mask, signal_mask_bytes);
    wait_for_events(memory, descriptors, clock, thread, fd, address, limit, timeout_ns, mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::errno::{Errno, Refusal};
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    #[test]
    fn time_passes_while_nothing_is_ready() {
        let (mut memory, mut descriptors, mut clock) = (FakeMemory::new(64), Descriptors::new(), Clock::new());
        let mut thread = Thread::first();
        let epoll = OpenFile::new(Box::new(Epoll::default()), O_RDWR);
        let list = descriptors.insert(epoll, false, 0).expect("there is room");
        let (buffer, null) = (memory.address(0), UserAddress::NULL);
        let time = memory.put(32, &[0u64, 2_000_001].map(u64::to_le_bytes).concat());
        let mut call = |time| {
            let (memory, descriptors, clock) = (&mut memory, &mut descriptors, &mut clock);
            epoll_pwait2(memory, descriptors, clock, &mut thread, list, buffer, 1, time, null, 0)
        };
        assert_eq!((call(time), call(UserAddress(8))), (Ok(0), Err(Errno::EFAULT.into())));
        assert!(matches!(call(null), Err(Refusal::Unsupported(_))));
        assert_eq!(clock.now_ns(), 2_000_001);
    }
}
