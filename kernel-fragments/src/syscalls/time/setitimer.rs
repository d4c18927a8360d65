//! `setitimer(2)`: <https://man7.org/linux/man-pages/man2/setitimer.2.html>. Supported: ITIMER_REAL, served when threads wait or yield;
//! not supported: arming ITIMER_VIRTUAL, ITIMER_PROF. Errors: EINVAL, EFAULT.

use crate::abi::itimerspec::TimerSetting;
use crate::abi::signal::SIGALRM;
use crate::abi::signal_info::{SI_KERNEL, SignalInfo};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::Clock;
use crate::subsystems::directed_signals::first_user;
use crate::subsystems::signal_timer::{Notice, REAL_TIMER, Timer};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(103 => setitimer);

const ITIMER_REAL: i32 = 0;
const ITIMER_PROF: i32 = 2;

/// Sets timer `which` as `address` says (null: disarms it) and stores what it was at `old_address`, unless null.
pub fn setitimer(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    which: i32,
    address: UserAddress,
    old_address: UserAddress,
) -> SysResult {
    let setting = match address.is_null() {
        true => TimerSetting { interval_ns: 0, value_ns: 0 },
        false => TimerSetting::read_microseconds(memory, address)?,
    };
    let mut old = TimerSetting { interval_ns: 0, value_ns: 0 };
    match which {
        ITIMER_REAL => {
            if let Ok(timer) = timers.get(REAL_TIMER) {
                (old.value_ns, old.interval_ns) = timer.remaining_ns(signals, clock.now_ns());
            } else {
                let info = SignalInfo { code: SI_KERNEL, words: [0, 0] };
                timers.add(Timer::new(REAL_TIMER, 0, Notice::Process(SIGALRM), info));
            }
            let due_ns = (setting.value_ns > 0).then(|| clock.after_ns(setting.value_ns).cast_signed());
            timers.arm(signals, threads, REAL_TIMER, due_ns, setting.interval_ns, false)?;
            timers.get(REAL_TIMER)?.user = first_user(threads, thread);
        }
        1..=ITIMER_PROF if setting.value_ns > 0 => {
            return Err(Refusal::Unsupported("setitimer by CPU time"));
        }
        1..=ITIMER_PROF => {}
        _ => return Err(Errno::EINVAL.into()),
    }
    if !old_address.is_null() {
        old.write_microseconds(memory, old_address)?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::credentials::Ids;
    use crate::subsystems::credentials::{Credentials, Identity};
    use crate::syscalls::time::getitimer::getitimer;
    use crate::testing::FakeMemory;
    use alloc::boxed::Box;

    /// What is sent when the first thread is gone takes a place of the user whom the process had as the timer was set.
    #[test]
    fn the_alarm_is_the_users_who_set_it() {
        let (mut memory, mut timers, mut thread) = (FakeMemory::new(64), Timers::new(), Thread::first());
        let new = memory.put(0, &[0, 0, 2, 0u64].map(u64::to_le_bytes).concat());
        for user in [1000, 7] {
            let other = Identity { users: Ids::all(user), ..*Credentials::FIRST.identity() };
            thread.credentials = Credentials::of(Box::leak(Box::new(other)));
            let (signals, threads, clock) = (&mut Signals::new(), &mut Threads::new(), &mut Clock::new());
            let null = UserAddress::NULL;
            let set = setitimer(&mut memory, &mut timers, signals, threads, clock, &mut thread, 0, new, null);
            assert_eq!((set, timers.get(REAL_TIMER).map(|timer| timer.user)), (Ok(0), Ok(user)));
        }
    }

    #[test]
    fn sets_and_tells() {
        let (mut memory, mut timers, mut threads) = (FakeMemory::new(128), Timers::new(), Threads::new());
        let mut clock = Clock::new();
        let new = memory.put(0, &[0, 500_000, 2, 0u64].map(u64::to_le_bytes).concat());
        let (old, null, bad) = (memory.address(64), UserAddress::NULL, UserAddress(8));
        let mut set = |memory: &mut FakeMemory, timers: &mut Timers, which, new, old| {
            let thread = &mut Thread::first();
            setitimer(memory, timers, &mut Signals::new(), &mut threads, &mut clock, thread, which, new, old)
        };
        assert_eq!(set(&mut memory, &mut timers, 0, new, old), Ok(0));
        assert_eq!(memory.bytes(64, 32), [0; 32]);
        assert_eq!(set(&mut memory, &mut timers, 0, null, old), Ok(0));
        assert_eq!(memory.bytes(64, 32).to_vec(), memory.bytes(0, 32));
        assert_eq!(set(&mut memory, &mut timers, 3, null, old), Err(Errno::EINVAL.into()));
        assert_eq!(set(&mut memory, &mut timers, 0, bad, old), Err(Errno::EFAULT.into()));
        assert_eq!(set(&mut memory, &mut timers, 1, null, old), Ok(0));
        assert!(matches!(set(&mut memory, &mut timers, 1, new, old), Err(Refusal::Unsupported(_))));
        let clock = &mut Clock::new();
        assert_eq!(getitimer(&mut memory, &mut timers, &mut Signals::new(), clock, 0, old), Ok(0));
        assert_eq!(memory.bytes(64, 32), [0; 32], "disarmed");
        assert_eq!(getitimer(&mut memory, &mut timers, &mut Signals::new(), clock, 3, old), Err(Errno::EINVAL.into()));
    }
}
