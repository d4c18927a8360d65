//! `epoll_pwait2(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>. Supported: everything, as `epoll_pwait` does it.
//! Errors: EINVAL, EFAULT, EBADF, EINTR.

use crate::outcome::Outcome;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::read_timeout;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::syscalls::poll::epoll_pwait::wait_for_events;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(441 => epoll_pwait2);

/// As `epoll_pwait`, for at most the time at `timeout`, for ever if that is null. What remains of it is not stored.
pub fn epoll_pwait2(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout: UserAddress,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> Outcome {
    let timeout_ns = read_timeout(memory, timeout)?;
    let mask = (signal_mask, signal_mask_bytes);
    wait_for_events(memory, descriptors, signals, threads, clock, thread, fd, address, limit, timeout_ns, mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::errno::Errno;
    use crate::subsystems::epoll::Epoll;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    #[test]
    fn its_time_is_exact() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        let list = OpenFile::new(Box::new(Epoll::default()), O_RDWR);
        let list = descriptors.insert(list, false, 0).expect("there is room");
        let (at, null) = (machine.memory.address(0), UserAddress::NULL);
        let mut call = |machine: &mut ThreadMachine, limit, time: [i64; 2]| {
            machine.memory.put(64, &time.map(i64::to_le_bytes).concat());
            machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                let (descriptors, signals, timeout) = (&mut descriptors, &mut signals, at.add(64));
                epoll_pwait2(memory, descriptors, signals, threads, clock, thread, list, at, limit, timeout, null, 0)
            })
        };
        let before_ns = machine.clock.now_ns();
        assert_eq!(call(&mut machine, 1, [0, 1_234]), Step::Switched(2, i64::from(list.0)));
        assert_eq!(machine.clock.now_ns() - before_ns, 1_234);
        assert_eq!(call(&mut machine, 1, [0, 1_234]), Step::Returned(0), "made again, when its time is up");
        for (limit, time) in [(1, [-1, 0]), (1, [0, 1_000_000_000]), (0, [0, 0])] {
            assert_eq!(call(&mut machine, limit, time), Step::Failed(Errno::EINVAL), "{time:?}");
        }
    }
}
