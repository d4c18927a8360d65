//! `epoll_pwait2(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>. Supported: everything, as
//! `epoll_pwait` does it. Errors: EINVAL, EFAULT, EBADF, EINTR.

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

/// Writes up to `limit` events of the interest list behind `fd` to `address` and returns their number. Waits until
/// there is one for at most the time at `timeout`.
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
    fn waits_for_nanoseconds() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let list = descriptors.insert(OpenFile::new(Box::<Epoll>::default(), O_RDWR), false, 0).expect("there is room");
        let mut call = |machine: &mut ThreadMachine, time: [u64; 2]| {
            let timeout = machine.memory.put(64, &time.map(u64::to_le_bytes).concat());
            machine.call(|m, thread| {
                let (memory, threads, clock, buffer) =
                    (&mut m.memory, &mut m.threads, &mut m.clock, UserAddress(0x1_0000));
                let (descriptors, signals, null) = (&mut descriptors, &mut signals, UserAddress::NULL);
                epoll_pwait2(memory, descriptors, signals, threads, clock, thread, list, buffer, 1, timeout, null, 0)
            })
        };
        assert_eq!(call(&mut machine, [0, 1_000_000_000]), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, [0, 0]), Step::Returned(0));
        assert_eq!(call(&mut machine, [0, 1]), Step::Switched(3, 0));
    }
}
