//! `epoll_pwait(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>. Supported: everything; of several
//! files, those that were told least lately come first, not those that were ready first. Errors: EINVAL, EFAULT, EBADF, EINTR.

use crate::outcome::Outcome;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::{check_limit, tell};
use crate::subsystems::poll_wait::PollWait;
use crate::subsystems::signal_files::show_pending;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::watched;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(22 => epoll_pwait);

/// Writes up to `limit` events of the interest list behind `fd` to `address` and returns their number. Waits until there is
/// one for at most `timeout_ms`, for ever if that is negative.
pub fn epoll_pwait(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout_ms: i32,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> Outcome {
    let timeout_ns = u64::try_from(timeout_ms).ok().map(|timeout_ms| timeout_ms * 1_000_000);
    let mask = (signal_mask, signal_mask_bytes);
    wait_for_events(memory, descriptors, signals, threads, clock, thread, fd, address, limit, timeout_ns, mask)
}

/// The same, with a timeout in nanoseconds; `None` for none. `mask` is where the mask is, and its bytes.
#[inline(always)]
pub fn wait_for_events(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout_ns: Option<u64>,
    (mask, mask_bytes): (UserAddress, usize),
) -> Outcome {
    let wait = PollWait::begin(memory, clock, thread, timeout_ns, UserAddress::NULL, mask, mask_bytes)?;
    let wait = wait.awaiting(show_pending(descriptors, signals, thread));
    let result = check_limit(limit).and_then(|limit| {
        let open = descriptors.get(fd)?;
        tell(memory, open, clock.now_ns(), address, limit)
    });
    let file = descriptors.get(fd).ok().map(watched);
    wait.finish(memory, signals, threads, clock, thread, fd.0 as u64, result, file.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::epoll::EpollEvent;
    use crate::abi::open_flags::O_RDWR;
    use crate::abi::pollfd::POLLIN;
    use crate::errno::Errno;
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    #[test]
    fn tells_what_is_ready_and_waits_for_it() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let counter = OpenFile::new(Box::new(EventCounter::new(1, false)), O_RDWR);
        let epoll = Epoll::default();
        assert_eq!(epoll.add(Fd(9), &counter, EpollEvent { events: u32::from(POLLIN), data: 5 }), Ok(()));
        let list = descriptors.insert(OpenFile::new(Box::new(epoll), O_RDWR), false, 0).expect("there is room");
        let (buffer, bad) = (machine.memory.address(0), UserAddress(8));
        let mut call = |machine: &mut ThreadMachine, fd, address, limit, timeout_ms| {
            machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                let (descriptors, signals, null) = (&mut descriptors, &mut signals, UserAddress::NULL);
                let (fd, limit) = (Fd(fd), limit);
                epoll_pwait(
                    memory,
                    descriptors,
                    signals,
                    threads,
                    clock,
                    thread,
                    fd,
                    address,
                    limit,
                    timeout_ms,
                    null,
                    0,
                )
            })
        };
        assert_eq!(call(&mut machine, list.0, buffer, 0, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, 99, buffer, -1, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, 99, buffer, 1, 0), Step::Failed(Errno::EBADF));
        assert_eq!(call(&mut machine, 1, buffer, 1, 0), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, list.0, bad, 1, 0), Step::Failed(Errno::EFAULT));
        assert_eq!(call(&mut machine, list.0, buffer, 2, -1), Step::Returned(1));
        assert_eq!(machine.memory.bytes(0, 9), [1, 0, 0, 0, 0, 0, 0, 0, 5]);
        let word = &mut [0; 8];
        assert_eq!(counter.file.read(&mut machine.platform, 0, word), Ok(8));
        assert_eq!(call(&mut machine, list.0, bad, 1, 0), Step::Returned(0));
        assert_eq!(call(&mut machine, list.0, buffer, 1, 5), Step::Switched(3, 0));
        assert_eq!(counter.file.write(&mut machine.platform, 0, &1u64.to_le_bytes()), Ok(8));
        assert_eq!(machine.yield_now(), Step::Switched(2, i64::from(list.0)));
        assert_eq!(call(&mut machine, list.0, buffer, 1, 5), Step::Returned(1));
    }
}
