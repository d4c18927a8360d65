//! `timer_create(2)`: <https://man7.org/linux/man-pages/man2/timer_create.2.html>. Supported: SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID
//! (by which libraries make SIGEV_THREAD), served when threads wait or yield; not supported: timers by CPU time. Errors: EINVAL,
//! EFAULT, EAGAIN.

use crate::abi::signal::{HIGHEST, SIGALRM};
use crate::errno::{Errno, Refusal, SysResult};
use crate::subsystems::clock::ClockKind;
use crate::subsystems::directed_signals::make_room;
use crate::subsystems::signal_timer::{Notice, Timer, timer_info};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::timers::Timers;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(107 => timer_create);

const SIGEV_SIGNAL: u32 = 0;
const SIGEV_NONE: u32 = 1;
const SIGEV_THREAD: u32 = 2;
const SIGEV_THREAD_ID: u32 = 4;

/// Bytes of `struct sigevent`.
const SIGEVENT_BYTES: usize = 64;

/// Makes a timer of `clock` that tells as the `sigevent` at `event` says (null: by SIGALRM) and stores its id at `id_address`.
pub fn timer_create(
    memory: &mut impl UserMemory,
    timers: &mut Timers,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    clock: i32,
    event: UserAddress,
    id_address: UserAddress,
) -> SysResult {
    let (value, signal, how, tid) = match event.is_null() {
        true => (None, SIGALRM, SIGEV_SIGNAL, 0),
        false => {
            memory.slice(event, SIGEVENT_BYTES)?;
            let word = |offset| memory.read_u32(event.add(offset));
            (Some(memory.read_u64(event)?), word(8)?, word(12)?, word(16)?)
        }
    };
    if let ClockKind::ProcessCpu | ClockKind::ThreadCpu = ClockKind::of(clock, thread)? {
        return Err(Refusal::Unsupported("timers by CPU time"));
    }
    // The clocks that cannot be slept by have no timers either (kernel/time/posix-timers.c).
    if matches!(clock, 4..=6) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let user = thread.credentials.users().real;
    make_room(signals, threads, thread, user);
    if signals.queue.lines().is_full(user) {
        return Err(Errno::EAGAIN.into());
    }
    // A timer has its number before it is looked at whom it tells (kernel/time/posix-timers.c, do_timer_create).
    let id = timers.new_id();
    let is_signal = (1..=HIGHEST).contains(&signal);
    let notice = match how {
        SIGEV_NONE => Notice::Nobody,
        SIGEV_SIGNAL | SIGEV_THREAD if is_signal => Notice::Process(signal),
        SIGEV_THREAD_ID if is_signal && (tid == thread.tid || threads.find(tid).is_some()) => {
            Notice::Thread(tid, signal)
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    memory.slice_mut(id_address, 4)?;
    memory.write_u32(id_address, id.cast_unsigned())?;
    signals.queue.lines().reserve(user);
    timers.add(Timer { user, ..Timer::new(id, clock, notice, timer_info(id, value.unwrap_or(id as u64))) });
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::signal_limit::set_limit;
    use crate::testing::FakeMemory;

    #[test]
    fn checks_whom_to_tell() {
        let (mut memory, mut timers, mut threads) = (FakeMemory::new(128), Timers::new(), Threads::new());
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        let (id, null) = (memory.address(64), UserAddress::NULL);
        let mut create = |memory: &mut FakeMemory, clock, event, id| {
            timer_create(memory, &mut timers, &mut signals, &mut threads, &mut thread, clock, event, id)
        };
        assert_eq!(create(&mut memory, 1, null, id), Ok(0));
        for (signal, how, tid, expected) in [
            (10, SIGEV_SIGNAL, 0, Ok(0)),
            (0, SIGEV_NONE, 0, Ok(0)),
            (10, SIGEV_THREAD_ID, 2, Ok(0)),
            (10, SIGEV_THREAD_ID, 9, Err(Errno::EINVAL.into())),
            (65, SIGEV_SIGNAL, 0, Err(Errno::EINVAL.into())),
            (10, 3, 0, Err(Errno::EINVAL.into())),
        ] {
            let event = memory.put(0, &[0, 0, signal, how, tid].map(u32::to_le_bytes).concat());
            assert_eq!(create(&mut memory, 0, event, id), expected, "{signal} {how}");
        }
        assert_eq!(memory.read_u32(id), Ok(3));
        assert_eq!(create(&mut memory, 99, null, id), Err(Errno::EINVAL.into()));
        assert_eq!(create(&mut memory, 4, null, id), Err(Errno::EOPNOTSUPP.into()));
        assert_eq!(create(&mut memory, 0, UserAddress(8), id), Err(Errno::EFAULT.into()));
        assert_eq!(create(&mut memory, 0, null, UserAddress(8)), Err(Errno::EFAULT.into()));
        assert!(matches!(create(&mut memory, 2, null, id), Err(Refusal::Unsupported(_))));
        assert_eq!(create(&mut memory, 0, null, id), Ok(0));
        assert_eq!(memory.read_u32(id), Ok(8), "four that came to nothing took a number each");
    }
    /// Each takes a place in the queue of signals, whomever it tells, until it is deleted; one that was not made takes none, and no number
    /// if that is why.
    #[test]
    fn as_many_as_signals_may_be_queued() {
        let (mut memory, mut timers, mut threads) = (FakeMemory::new(128), Timers::new(), Threads::new());
        let (mut signals, mut thread) = (Signals::new(), Thread::first());
        let (id, null) = (memory.address(64), UserAddress::NULL);
        let nobody = memory.put(0, &[0, 0, 0, SIGEV_NONE, 0].map(u32::to_le_bytes).concat());
        set_limit(2);
        let mut create = |timers: &mut Timers, signals: &mut Signals, event, id| {
            let threads = &mut Threads::new();
            timer_create(&mut memory, timers, signals, threads, &mut thread, 1, event, id)
        };
        assert_eq!(create(&mut timers, &mut signals, null, UserAddress(8)), Err(Errno::EFAULT.into()));
        for (event, expected) in [(nobody, Ok(0)), (null, Ok(0)), (null, Err(Errno::EAGAIN.into()))] {
            assert_eq!(create(&mut timers, &mut signals, event, id), expected);
        }
        assert_eq!(timers.arm(&mut signals, &mut threads, 1, Some(1 << 40), 0, false), Ok(()));
        assert_eq!(timers.remove(&mut signals, &mut threads, 1), Ok(()));
        assert_eq!(create(&mut timers, &mut signals, null, id), Ok(0));
        assert_eq!(create(&mut timers, &mut signals, nobody, id), Err(Errno::EAGAIN.into()));
        assert_eq!(memory.read_u32(id), Ok(3));
    }
}
