//! `clock_nanosleep(2)`: <https://man7.org/linux/man-pages/man2/clock_nanosleep.2.html>. Supported: everything but CPU time.
//! Errors: EINVAL, EOPNOTSUPP, EFAULT, EINTR.

use crate::abi::timespec::TIMER_ABSTIME;
use crate::boot_info::BootInfo;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::sleep_request::sleep_deadline_ns;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Wait};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(115 => clock_nanosleep);

/// Sleeps by clock `id`, for or (TIMER_ABSTIME) until the time at `address`. When a handler ends that early, what remains
/// of the first kind is stored at `remaining`.
pub fn clock_nanosleep(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    flags: u32,
    address: UserAddress,
    remaining: UserAddress,
) -> Outcome {
    let remaining = if flags & TIMER_ABSTIME == 0 { remaining } else { UserAddress::NULL };
    let (deadline_ns, is_day) = sleep_deadline_ns(memory, clock, boot, thread, id, flags, address)?;
    clock.note_wait(thread, Some(deadline_ns), is_day);
    Ok(threads.wait(thread, Wait::Sleep(remaining), Some(deadline_ns)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn until_a_time() {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, UserAddress::NULL);
        let time = machine.put_time(0, 5_000_000);
        let sleep = |m: &mut ThreadMachine, thread: &mut Thread| {
            let (threads, clock) = (&mut m.threads, &mut m.clock);
            clock_nanosleep(&mut m.memory, threads, clock, &m.boot, thread, 1, 1, time, UserAddress::NULL)
        };
        assert_eq!(machine.call(sleep), Step::Switched(3, 0));
        assert_eq!(machine.call(sleep), Step::Switched(2, 0));
        assert_eq!(machine.clock.now_ns(), 5_000_000);
        machine.memory.put(0, &[0xff; 8]);
        assert_eq!(machine.call(sleep), Step::Failed(Errno::EINVAL));
    }
}
