//! `clock_settime(2)`: <https://man7.org/linux/man-pages/man2/clock_getres.2.html>. Supported: everything. Errors: EINVAL, EFAULT, EPERM.

use crate::boot_info::BootInfo;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::time_to_set;
use crate::subsystems::day_waits::{return_in_time, set_for_all};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(112 => clock_settime);

/// Sets clock `id` to the time at `address`: only the time of day can be.
pub fn clock_settime(
    memory: &mut impl UserMemory,
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    timers: &mut Timers,
    boot: &BootInfo,
    thread: &mut Thread,
    id: i32,
    address: UserAddress,
) -> Outcome {
    let time_ns = time_to_set(memory, thread, id, address)?;
    set_for_all(clock, descriptors, signals, threads, timers, boot, time_ns)?;
    Ok(return_in_time(timers, threads, clock, thread, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::futex::{FUTEX_CLOCK_REALTIME, FUTEX_WAIT_BITSET, MATCH_ANY};
    use crate::abi::timespec::SECOND_NS;
    use crate::syscalls::time::clock_nanosleep::clock_nanosleep;
    use crate::testing_threads::{Step, ThreadMachine};

    const NULL: UserAddress = UserAddress::NULL;

    /// Threads 3 and 4 wait for 20 seconds after boot, by clock `id` and flags of `futex`; the first one sets the time of day to `set_s`
    /// and sleeps for an hour. Returns at what second who goes on first.
    fn first_to_go_on(id: i32, flags: u32, set_s: u64) -> (u64, u32) {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, NULL);
        machine.spawn(0, NULL);
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        let until = machine.put_time(64, 20 * SECOND_NS);
        let sleep = machine.call(|m, thread| {
            clock_nanosleep(&mut m.memory, &mut m.threads, &mut m.clock, &m.boot, thread, id, 1, until, NULL)
        });
        assert_eq!(sleep, Step::Switched(4, 0));
        let later = machine.put_time(64, 21 * SECOND_NS);
        let wait = machine.futex_with(0, FUTEX_WAIT_BITSET | flags, 0, later, 0, MATCH_ANY);
        assert_eq!(wait, Step::Switched(2, 0));
        let time = machine.put_time(64, set_s * SECOND_NS);
        let step = machine.call(|m, thread| {
            let (mut descriptors, mut timers) = (Descriptors::new(), Timers::new());
            let ThreadMachine { memory, clock, threads, boot, .. } = m;
            clock_settime(
                memory,
                clock,
                &mut descriptors,
                &mut Signals::new(),
                threads,
                &mut timers,
                boot,
                thread,
                0,
                time,
            )
        });
        assert_eq!(step, Step::Returned(0));
        let hour = machine.put_time(64, 3600 * SECOND_NS);
        let step = machine.call(|m, thread| {
            clock_nanosleep(&mut m.memory, &mut m.threads, &mut m.clock, &m.boot, thread, 1, 0, hour, NULL)
        });
        match step {
            Step::Switched(tid, _) => (machine.clock.now_ns() / SECOND_NS, tid),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_for_a_time_of_day_move() {
        let (by_day, by_boot) = (FUTEX_CLOCK_REALTIME, 0);
        assert_eq!(first_to_go_on(0, by_day, 15), (5, 3), "both come nearer");
        assert_eq!(first_to_go_on(11, by_day, 25), (0, 3), "it is past");
        assert_eq!(first_to_go_on(1, by_boot, 15), (20, 3), "neither goes by the time of day");
        assert_eq!(first_to_go_on(1, by_day, 15), (6, 4), "only the second does");
        assert_eq!(first_to_go_on(0, by_boot, 25), (0, 3), "only the first does");
    }
}
