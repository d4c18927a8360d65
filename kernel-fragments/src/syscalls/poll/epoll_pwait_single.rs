//! `epoll_pwait(2)`: <https://man7.org/linux/man-pages/man2/epoll_wait.2.html>, where there is only one thread: files change by
//! time only. Supported: everything but waiting for what can never happen, and letting a pending signal in by another mask.
//! Errors: EINVAL, EFAULT, EBADF.

use crate::errno::{Refusal, SysResult};
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::epoll::{check_limit, tell};
use crate::subsystems::poll_arguments::read_signal_mask;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(22 => epoll_pwait, single_thread);

/// Writes up to `limit` events of the interest list behind `fd` to `address` and returns their number. Waits until there is
/// one for at most `timeout_ms`, for ever if that is negative.
pub fn epoll_pwait(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout_ms: i32,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> SysResult {
    let timeout_ns = u64::try_from(timeout_ms).ok().map(|timeout_ms| timeout_ms * 1_000_000);
    let mask = (signal_mask, signal_mask_bytes);
    wait_for_events(memory, descriptors, clock, thread, fd, address, limit, timeout_ns, mask)
}

/// The same, with a timeout in nanoseconds; `None` for none. `mask` is where the mask is, and its bytes.
#[inline(always)]
pub fn wait_for_events(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    limit: i32,
    timeout_ns: Option<u64>,
    (mask, mask_bytes): (UserAddress, usize),
) -> SysResult {
    let mask = read_signal_mask(memory, mask, mask_bytes)?.unwrap_or(thread.signal_mask);
    let deadline_ns = timeout_ns.map(|timeout_ns| clock.after_ns(timeout_ns));
    let limit = check_limit(limit)?;
    let open = descriptors.get(fd)?;
    loop {
        let count = tell(memory, open, clock.now_ns(), address, limit)?;
        if count > 0 || deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns()) {
            return Ok(count);
        }
        if thread.pending_signals & !mask != 0 {
            return Err(Refusal::Unsupported("epoll_pwait that lets a pending signal in"));
        }
        let next_ns = [deadline_ns, open.file.next_change_ns()].into_iter().flatten().min();
        clock
            .idle_until(next_ns.ok_or(Refusal::Unsupported("epoll_pwait that waits for what no other thread can do"))?);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
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
        let mut call = |timeout_ms| {
            let (memory, descriptors, clock) = (&mut memory, &mut descriptors, &mut clock);
            epoll_pwait(memory, descriptors, clock, &mut thread, list, buffer, 1, timeout_ms, null, 0)
        };
        assert_eq!((call(0), call(3)), (Ok(0), Ok(0)));
        assert!(matches!(call(-1), Err(Refusal::Unsupported(_))));
        assert_eq!(clock.now_ns(), 3_000_000);
    }
}
