//! `gettimeofday(2)`: <https://man7.org/linux/man-pages/man2/gettimeofday.2.html>, where there may be timers: one that is due is served
//! before the call returns. Supported: everything; the time zone is UTC. Errors: EFAULT.

use crate::abi::timespec::write_timeval;
use crate::boot_info::BootInfo;
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(169 => gettimeofday, timers);

/// Stores the time of day at `address` and the time zone at `zone_address`, where these are not null.
pub fn gettimeofday(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    threads: &mut Threads,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
    zone_address: UserAddress,
) -> Outcome {
    if !address.is_null() {
        write_timeval(memory, address, clock.read_ns(boot, thread, ClockKind::Realtime))?;
    }
    if !zone_address.is_null() {
        memory.write_u64(zone_address, 0)?;
    }
    Ok(if timers.are_due(threads, clock) { Leave::Yield } else { Leave::Return(0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;
    use crate::testing_threads::{Step, ThreadMachine};

    #[test]
    fn a_timer_that_is_due_comes_first() {
        let mut machine = ThreadMachine::new();
        let at = machine.memory.address(0);
        machine.threads.set_alarm(Some(2000));
        for expected in [Step::Returned(0), Step::Stopped(Stop::Deadlock)] {
            let step = machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                gettimeofday(memory, &mut Timers::new(), threads, clock, &m.boot, thread, at, UserAddress::NULL)
            });
            assert_eq!(step, expected);
        }
        assert_eq!(machine.memory.read_u64(at.add(8)), Ok(2));
    }
}
