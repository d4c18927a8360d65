//! What waits for a time of day when that is set, where there may be threads or timers: threads that sleep or wait for a futex,
//! timers that send signals, and those of descriptors (kernel/time/hrtimer.c, clock_was_set).

use crate::abi::timespec::LATEST_NS;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::outcome::Leave;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::time_of_day::set;
use crate::subsystems::timers::Timers;
use crate::thread::{A0, Thread, Wait};
use crate::user_memory::UserAddress;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Sets the time of day to `time_ns` after the Unix epoch, and moves what waits for one.
///
/// # Errors
/// EINVAL: too late, or earlier than the time since boot.
pub fn set_for_all(
    clock: &mut Clock,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    timers: &mut Timers,
    boot: &BootInfo,
    time_ns: u64,
) -> Result<(), Errno> {
    let moved_ns = set(clock, boot, time_ns)?;
    // Each file once, however many descriptors name it. Who waits at a message queue by one that is closed since learns of it
    // only when its time comes as it was.
    let mut files: Vec<_> = descriptors.iter().map(|(_, descriptor)| &descriptor.file).collect();
    files.sort_unstable_by_key(|file| Rc::as_ptr(file));
    files.dedup_by(|file, before| Rc::ptr_eq(file, before));
    for open in files {
        // What was due by now stays so.
        open.file.pass_time(clock.now_ns());
        open.file.clock_was_set(moved_ns);
    }
    for wait in clock.time_of_day.waits_mut() {
        let is_meant = |thread: &Thread| {
            thread.tid == wait.tid && thread.wait_ends_ns == wait.ends_ns && thread.wait != Wait::Event
        };
        if let Some(thread) = threads.waiting.find(is_meant) {
            wait.ends_ns = wait.ends_ns.saturating_add_signed(moved_ns.saturating_neg()).min(LATEST_NS);
            thread.wait_ends_ns = wait.ends_ns;
            threads.next_deadline_ns = threads.next_deadline_ns.min(wait.ends_ns);
        }
    }
    timers.time_was_set(signals, threads, clock.now_ns(), moved_ns);
    Ok(())
}

/// How a call of `thread` ends that may have set the time of day, and returns `value`: timers that are due by now are served before.
pub fn return_in_time(
    timers: &Timers,
    threads: &mut Threads,
    clock: &Clock,
    thread: &mut Thread,
    value: usize,
) -> Leave {
    if !timers.are_due(threads, clock) {
        return Leave::Return(value);
    }
    // A wait that is over at once, unlike a yield, leaves the value be.
    let leave = threads.wait(thread, Wait::Sleep(UserAddress::NULL), Some(0));
    thread.frame.x[A0] = value as u64;
    leave
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::abi::pollfd::POLLIN;
    use crate::abi::signal::{Action, SIGALRM};
    use crate::abi::timespec::SECOND_NS;
    use crate::subsystems::open_file::OpenFile;
    use crate::subsystems::signal_timer::{Notice, Timer, timer_info};
    use crate::subsystems::signals::Signals;
    use crate::subsystems::timer_file::{OnSet, TimerFile};
    use crate::subsystems::timers::serve;
    use crate::testing_threads::ThreadMachine;
    use alloc::boxed::Box;

    #[test]
    fn timers_move_once_and_keep_what_was_due() {
        let (mut clock, mut descriptors) = (Clock::new(), Descriptors::new());
        let (mut threads, mut timers, mut signals) = (Threads::new(), Timers::new(), Signals::new());
        let boot = BootInfo { start_time_ns: 5 * SECOND_NS, ..BootInfo::default() };
        let mut timer = |due_ns| {
            let timer = TimerFile::new(0);
            timer.arm(Some(due_ns as i64), 0, Some(OnSet::Moves));
            let file = OpenFile::new(Box::new(timer), O_RDWR);
            for _ in 0..2 {
                descriptors.insert(file.clone(), false, 0).expect("there is room");
            }
            file
        };
        let (due, later) = (timer(SECOND_NS), timer(9 * SECOND_NS));
        for (id, goes_by_day) in [(0, true), (1, false)] {
            timers.add(Timer::new(id, 0, Notice::Nobody, timer_info(id, 0)));
            assert_eq!(timers.arm(&mut signals, &mut threads, id, Some(9 * SECOND_NS as i64), 0, goes_by_day), Ok(()));
        }
        clock.idle_until(2 * SECOND_NS);
        let time_ns = clock.realtime_ns(&boot) - 3 * SECOND_NS;
        assert_eq!(
            set_for_all(&mut clock, &mut descriptors, &mut signals, &mut threads, &mut timers, &boot, time_ns),
            Ok(())
        );
        let next_ns = later.file.next_change_ns().expect("it is not due");
        assert_eq!((next_ns / SECOND_NS, due.file.ready()), (12, POLLIN));
        let now_ns = clock.now_ns();
        let mut left = |id| timers.get(id).expect("it is there").remaining_ns(&mut signals, now_ns).0 / SECOND_NS;
        assert_eq!([left(0), left(1)], [10, 7]);
    }

    #[test]
    fn what_the_time_passes_by_is_due() {
        for (interval_ns, overruns, next) in [(0, 0, 0), (1000 * SECOND_NS, 3, 500)] {
            let (mut machine, mut signals, mut timers) = (ThreadMachine::new(), Signals::new(), Timers::new());
            let ThreadMachine { memory, threads, clock, boot, .. } = &mut machine;
            timers.add(Timer::new(0, 0, Notice::Process(SIGALRM), timer_info(0, 0)));
            assert_eq!(timers.arm(&mut signals, threads, 0, Some(500 * SECOND_NS as i64), interval_ns, true), Ok(()));
            signals.set_action(&mut Thread::first(), SIGALRM, Action { handler: 0x4000, flags: 0, mask: 0 });
            let time_ns = 4000 * SECOND_NS;
            assert_eq!(
                set_for_all(clock, &mut Descriptors::new(), &mut signals, threads, &mut timers, boot, time_ns),
                Ok(())
            );
            assert!(timers.are_due(threads, clock));
            assert_eq!(serve(memory, &mut signals, threads, clock, &mut timers), Ok(Leave::Return(1)));
            assert!(signals.take(&mut Thread::first(), u64::MAX).is_some());
            let timer = timers.get(0).expect("it is there");
            let left_ns = timer.remaining_ns(&mut signals, clock.now_ns()).0;
            assert_eq!((timer.overruns(&mut signals), left_ns / SECOND_NS), (overruns, next));
            assert!(!timers.are_due(threads, clock));
        }
    }
}
