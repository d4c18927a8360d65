//! `clock_adjtime(2)`: <https://man7.org/linux/man-pages/man2/adjtimex.2.html>. Supported: asking (no modes, ADJ_OFFSET_SS_READ),
//! ADJ_SETOFFSET with or without ADJ_NANO; not supported: the other modes. The clock is never synchronised. Errors: EINVAL, EFAULT,
//! EPERM, EOPNOTSUPP.

use crate::boot_info::BootInfo;
use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::clock_adjustment::{adjust, check_clock};
use crate::subsystems::day_waits::{return_in_time, set_for_all};
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(266 => clock_adjtime);

/// Adjusts clock `id` as the `timex` at `address` says, and tells there how it stands.
pub fn clock_adjtime(
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
    check_clock(memory, thread, id, address)?;
    let state = adjust(memory, clock, boot, address, |clock, time_ns| {
        set_for_all(clock, descriptors, signals, threads, timers, boot, time_ns)
    })?;
    Ok(return_in_time(timers, threads, clock, thread, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::signal::{SIGALRM, set_of};
    use crate::abi::timespec::SECOND_NS;
    use crate::outcome::Leave;
    use crate::stop::Stop;
    use crate::subsystems::signal_timer::{Notice, Timer, timer_info};
    use crate::subsystems::threads::go_on;
    use crate::subsystems::timers::serve;
    use crate::syscalls::time::clock_settime::clock_settime;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::A0;

    /// A timer that the call makes due has sent its signal by the time that it returns, with its own value.
    #[test]
    fn timers_that_are_due_come_first() {
        for (adjusts, value) in [(true, 5), (false, 0)] {
            let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
            machine.current().signal_mask = set_of(SIGALRM);
            timers.add(Timer::new(0, 0, Notice::Process(SIGALRM), timer_info(0, 0)));
            let due_ns = Some(10 * SECOND_NS as i64);
            assert_eq!(timers.arm(&mut signals, &mut machine.threads, 0, due_ns, 0, true), Ok(()));
            // ADJ_SETOFFSET by 20 seconds; a time 20 seconds after the start.
            machine.memory.put(0, &0x100u32.to_le_bytes());
            machine.memory.put(72, &[20u64, 0].map(u64::to_le_bytes).concat());
            let (at, time) = (machine.memory.address(0), machine.put_time(512, 20 * SECOND_NS));
            let step = machine.call(|m, thread| {
                let ThreadMachine { memory, clock, threads, boot, .. } = m;
                let (files, signals, timers) = (&mut Descriptors::new(), &mut signals, &mut timers);
                if adjusts {
                    clock_adjtime(memory, clock, files, signals, threads, timers, boot, thread, 0, at)
                } else {
                    clock_settime(memory, clock, files, signals, threads, timers, boot, thread, 0, time)
                }
            });
            assert_eq!(step, Step::Stopped(Stop::Deadlock), "nobody can run before the timer is served");
            let ThreadMachine { memory, threads, clock, platform, .. } = &mut machine;
            assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
            let next = go_on(threads, clock, platform).expect("the caller goes on");
            assert_eq!(next, core::ptr::NonNull::from(machine.current()));
            let thread = machine.current();
            assert_eq!((thread.frame.x[A0], signals.are_pending(thread)), (value, true));
        }
    }
}
