//! `clock_gettime(2)`: <https://man7.org/linux/man-pages/man2/clock_gettime.2.html>, where there may be timers: one that is due is
//! served before the call returns. Supported: clocks 0–7 and 11, CPU clocks of the process and the calling thread. Errors: EINVAL,
//! EFAULT.

use crate::abi::timespec::{CLOCK_MONOTONIC, write_timespec};
use crate::boot_info::BootInfo;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(113 => clock_gettime, timers);

quick!(monotonic);

/// The clock that is asked for most, as long as the second lasts and no timer is due.
pub fn monotonic(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    id: i32,
    address: UserAddress,
) -> Option<Outcome> {
    let (now_ns, time) = clock.next_monotonic().filter(|_| id == CLOCK_MONOTONIC)?;
    if threads.alarm_ns <= now_ns {
        return None;
    }
    memory.write_words_quickly(address, time)?;
    clock.step_to(now_ns);
    Some(Ok(Leave::Return(0)))
}

/// Stores the time of clock `id` at `address`.
pub fn clock_gettime(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    threads: &mut Threads,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> Outcome {
    if id == CLOCK_MONOTONIC {
        // From now on the quick way knows the second.
        memory.write_words(address, clock.read_monotonic())?;
    } else {
        let kind = ClockKind::of(id, thread)?;
        write_timespec(memory, address, clock.read_ns(boot, thread, kind))?;
    }
    Ok(if timers.are_due(threads, clock) { Leave::Yield } else { Leave::Return(0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errno::Errno;
    use crate::stop::Stop;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn a_timer_that_is_due_comes_first() {
        let mut machine = ThreadMachine::new();
        let at = machine.memory.address(0);
        let read = |id, at| {
            move |m: &mut ThreadMachine, thread: &mut Thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                monotonic(memory, threads, clock, id, at).unwrap_or_else(|| {
                    clock_gettime(memory, &mut Timers::new(), threads, clock, &m.boot, thread, id, at)
                })
            }
        };
        machine.threads.set_alarm(Some(4000));
        for (id, expected) in [
            (1, Step::Returned(0)),
            (1, Step::Returned(0)),
            (0, Step::Returned(0)),
            (99, Step::Failed(Errno::EINVAL)),
            (1, Step::Stopped(Stop::Deadlock)),
        ] {
            assert_eq!(machine.call(read(id, at)), expected, "{id} at {}", machine.clock.now_ns());
        }
        assert_eq!(machine.memory.read_u64(at.add(8)), Ok(4000), "it was told all the same");
        assert_eq!(machine.call(read(1, UserAddress::NULL)), Step::Failed(Errno::EFAULT));
    }
}
