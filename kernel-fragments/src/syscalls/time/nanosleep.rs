//! `nanosleep(2)`: <https://man7.org/linux/man-pages/man2/nanosleep.2.html>. Supported: everything. Errors: EFAULT, EINVAL,
//! EINTR.

use crate::abi::timespec::read_timespec;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Wait};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(101 => nanosleep);

/// Sleeps for the time at `address`. When a handler ends that early, what remains is stored at `remaining`.
pub fn nanosleep(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    address: UserAddress,
    remaining: UserAddress,
) -> Outcome {
    let deadline_ns = clock.after_ns(read_timespec(memory, address)?);
    clock.note_wait(thread, Some(deadline_ns), false);
    Ok(threads.wait(thread, Wait::Sleep(remaining), Some(deadline_ns)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn others_run_meanwhile() {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, UserAddress::NULL);
        let time = machine.put_time(0, 5_000_000);
        let sleep = |m: &mut ThreadMachine, thread: &mut Thread| {
            nanosleep(&mut m.memory, &mut m.threads, &mut m.clock, thread, time, UserAddress::NULL)
        };
        assert_eq!(machine.call(sleep), Step::Switched(3, 0));
        assert_eq!(machine.call(sleep), Step::Switched(2, 0));
        assert_eq!(machine.clock.now_ns(), 5_000_000);
        machine.memory.put(0, &[0xff; 8]);
        assert_eq!(machine.call(sleep), Step::Failed(Errno::EINVAL));
    }
}
