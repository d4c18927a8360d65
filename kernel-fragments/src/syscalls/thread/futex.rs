//! `futex(2)`: <https://man7.org/linux/man-pages/man2/futex.2.html>. Supported: WAIT, WAKE, WAIT_BITSET, WAKE_BITSET, REQUEUE,
//! CMP_REQUEUE, WAKE_OP, LOCK_PI, LOCK_PI2, TRYLOCK_PI, UNLOCK_PI, private and shared, timeouts by either clock; not
//! supported: WAIT_REQUEUE_PI, CMP_REQUEUE_PI. Private and shared calls mean the same futex, which Linux tells apart. Errors: EAGAIN, EINVAL, EFAULT, ENOSYS, ETIMEDOUT, EDEADLK, EPERM, ESRCH.

use crate::abi::futex::{
    FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI, FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE,
    FUTEX_TID_MASK, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI,
    FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_WAKE_OP, MATCH_ANY, wake_operation,
};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::clock::Clock;
use crate::subsystems::futex_call::{FutexCall, read_word};
use crate::subsystems::futex_words::{hand_over, mark_contended, mark_waited_for, try_own};
use crate::subsystems::requeueing::requeue_waiters;
use crate::subsystems::threads::Threads;
use crate::thread::{Thread, Wait};
use crate::user_memory::{UserAddress, UserMemory};

syscall!(98 => futex);

quick!(wake_or_wait);

/// Locking and unlocking, of what only this program knows and without a timeout.
pub fn wake_or_wait(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    address: UserAddress,
    operation: u32,
    value: u32,
    timeout: UserAddress,
) -> Option<Outcome> {
    let is_wake = operation == FUTEX_WAKE | FUTEX_PRIVATE_FLAG;
    if !address.0.is_multiple_of(4) {
        return None;
    }
    if is_wake && threads.nobody_waits() {
        return Some(Ok(Leave::Return(0)));
    }
    if is_wake {
        return Some(Ok(Leave::Return(threads.wake_futex(address, at_least_one(value), MATCH_ANY) as usize)));
    }
    if operation != FUTEX_WAIT | FUTEX_PRIVATE_FLAG || !timeout.is_null() {
        return None;
    }
    if memory.read_u32_quickly(address)? != value {
        return Some(Err(Errno::EAGAIN.into()));
    }
    Some(Ok(threads.wait(thread, Wait::Futex(address, MATCH_ANY), None)))
}

/// Does `operation` on the word at `address`. What `value`, `timeout` (or a second count), the word at `second` and
/// `value3` mean depends on it.
pub fn futex(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    boot: &BootInfo,
    thread: &mut Thread,
    address: UserAddress,
    operation: u32,
    value: u32,
    timeout: UserAddress,
    second: UserAddress,
    value3: u32,
) -> Outcome {
    let call = FutexCall::decode(memory, clock, boot, operation, timeout)?;
    let count = match call.command {
        FUTEX_WAIT => return wait(memory, threads, clock, thread, call, address, value, MATCH_ANY),
        FUTEX_WAIT_BITSET => return wait(memory, threads, clock, thread, call, address, value, value3),
        FUTEX_WAKE => wake(memory, threads, call, address, value, MATCH_ANY),
        FUTEX_WAKE_BITSET => wake(memory, threads, call, address, value, value3),
        FUTEX_REQUEUE => requeue(memory, threads, call, address, value, timeout, second, None),
        FUTEX_CMP_REQUEUE => requeue(memory, threads, call, address, value, timeout, second, Some(value3)),
        FUTEX_WAKE_OP => change_and_wake(memory, threads, call, address, value, timeout, second, value3),
        FUTEX_LOCK_PI | FUTEX_LOCK_PI2 => return own(memory, threads, clock, thread, call, address),
        FUTEX_TRYLOCK_PI => match try_own(memory, address, thread.tid)? {
            true => Ok(0),
            false => mark_contended(memory, threads, address).and(Err(Errno::EAGAIN)),
        },
        FUTEX_UNLOCK_PI => {
            if read_word(memory, address)? & FUTEX_TID_MASK != thread.tid {
                return Err(Errno::EPERM.into());
            }
            hand_over(memory, threads, address, 0).map(|()| 0)
        }
        FUTEX_WAIT_REQUEUE_PI | FUTEX_CMP_REQUEUE_PI => {
            return Err(Refusal::Unsupported("FUTEX_WAIT_REQUEUE_PI, FUTEX_CMP_REQUEUE_PI"));
        }
        _ => Err(Errno::ENOSYS),
    };
    Ok(Leave::Return(count? as usize))
}

fn wait(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    call: FutexCall,
    address: UserAddress,
    value: u32,
    bits: u32,
) -> Outcome {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    if read_word(memory, address)? != value {
        return Err(Errno::EAGAIN.into());
    }
    clock.note_wait(thread, call.deadline_ns, call.waits_for_day);
    Ok(threads.wait(thread, Wait::Futex(address, bits), call.deadline_ns))
}

fn wake(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    call: FutexCall,
    address: UserAddress,
    limit: u32,
    bits: u32,
) -> Result<u32, Errno> {
    if bits == 0 {
        return Err(Errno::EINVAL);
    }
    call.check_word(memory, address)?;
    Ok(threads.wake_futex(address, at_least_one(limit), bits))
}

/// Linux counts a waiter before it looks at the limit, which is signed.
fn at_least_one(limit: u32) -> u32 {
    (limit as i32).max(1) as u32
}

fn requeue(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    call: FutexCall,
    address: UserAddress,
    wake_limit: u32,
    requeue_limit: UserAddress,
    second: UserAddress,
    expected: Option<u32>,
) -> Result<u32, Errno> {
    let requeue_limit = requeue_limit.0 as u32;
    if (wake_limit as i32) < 0 || (requeue_limit as i32) < 0 {
        return Err(Errno::EINVAL);
    }
    call.check_word(memory, address)?;
    call.check_word(memory, second)?;
    if let Some(expected) = expected
        && memory.read_u32(address)? != expected
    {
        return Err(Errno::EAGAIN);
    }
    let woken = threads.wake_futex(address, wake_limit, MATCH_ANY);
    Ok(woken + requeue_waiters(threads, address, second, requeue_limit))
}

fn change_and_wake(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    call: FutexCall,
    address: UserAddress,
    limit: u32,
    second_limit: UserAddress,
    second: UserAddress,
    encoded: u32,
) -> Result<u32, Errno> {
    call.check_word(memory, address)?;
    let old = read_word(memory, second)?;
    let (new, holds) = wake_operation(encoded, old)?;
    memory.write_u32(second, new)?;
    let holds = holds.ok_or(Errno::ENOSYS)?;
    let mut count = threads.wake_futex(address, at_least_one(limit), MATCH_ANY);
    if holds {
        count += threads.wake_futex(second, at_least_one(second_limit.0 as u32), MATCH_ANY);
    }
    Ok(count)
}

fn own(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    call: FutexCall,
    address: UserAddress,
) -> Outcome {
    if try_own(memory, address, thread.tid)? {
        return Ok(Leave::Return(0));
    }
    mark_waited_for(memory, threads, address, thread.tid)?;
    clock.note_wait(thread, call.deadline_ns, call.waits_for_day);
    Ok(threads.wait(thread, Wait::OwnFutex(address), call.deadline_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::futex::{FUTEX_CLOCK_REALTIME, FUTEX_OWNER_DIED, FUTEX_PRIVATE_FLAG, FUTEX_WAITERS};
    use crate::stop::Stop;
    use crate::syscalls::thread::exit::exit;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::PROCESS_ID;

    const NULL: UserAddress = UserAddress::NULL;
    const ETIMEDOUT: i64 = -110;

    /// A machine in which threads 3, 4, 5 wait for the word at 0 and the first one runs.
    fn with_waiters() -> ThreadMachine {
        let mut machine = ThreadMachine::new();
        for _ in 0..3 {
            machine.spawn(0, NULL);
        }
        for next in [4, 5, PROCESS_ID] {
            if machine.current().tid == PROCESS_ID {
                assert_eq!(machine.yield_now(), Step::Switched(3, 0));
            }
            assert_eq!(machine.futex(0, FUTEX_WAIT, 0), Step::Switched(next, 0));
        }
        machine
    }

    #[test]
    fn wakes_in_the_order_of_waiting() {
        let mut machine = with_waiters();
        assert_eq!(machine.futex(0, FUTEX_WAKE, 2), Step::Returned(2));
        assert_eq!(machine.futex(0, FUTEX_WAKE, 0), Step::Returned(1), "at least one");
        assert_eq!(machine.futex(0, FUTEX_WAKE, 9), Step::Returned(0));
        for tid in [3, 4, 5, PROCESS_ID] {
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
        }
    }

    #[test]
    fn values_sets_and_addresses_are_checked() {
        let mut machine = ThreadMachine::new();
        let bad_time = machine.memory.put(64, &[0xff; 16]);
        for (offset, operation, value, timeout, value3, errno) in [
            (0, FUTEX_WAIT, 1, NULL, 0, Errno::EAGAIN),
            (1, FUTEX_WAIT, 0, NULL, 0, Errno::EINVAL),
            (4096, FUTEX_WAIT, 0, NULL, 0, Errno::EFAULT),
            (0, FUTEX_WAIT_BITSET, 0, NULL, 0, Errno::EINVAL),
            (0, FUTEX_WAKE_BITSET, 1, NULL, 0, Errno::EINVAL),
            (2, FUTEX_WAKE, 1, NULL, 0, Errno::EINVAL),
            (4096, FUTEX_WAKE, 1, NULL, 0, Errno::EFAULT),
            (0, FUTEX_WAIT, 0, bad_time, 0, Errno::EINVAL),
            (0, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, UserAddress(8), 0, Errno::EFAULT),
            (0, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 0, NULL, 0, Errno::ENOSYS),
            (0, 2, 0, NULL, 0, Errno::ENOSYS),
            (0, 14, 0, NULL, 0, Errno::ENOSYS),
            (0, 512, 0, NULL, 0, Errno::ENOSYS),
            (0, FUTEX_CMP_REQUEUE, 1, NULL, 1, Errno::EAGAIN),
            (0, FUTEX_REQUEUE, u32::MAX, NULL, 0, Errno::EINVAL),
            (0, FUTEX_REQUEUE, 1, UserAddress(0xffff_ffff), 0, Errno::EINVAL),
            (0, FUTEX_WAKE_OP, 1, NULL, 5 << 28, Errno::ENOSYS),
            (0, FUTEX_UNLOCK_PI, 0, NULL, 0, Errno::EPERM),
        ] {
            let step = machine.futex_with(offset, operation, value, timeout, 8, value3);
            assert_eq!(step, Step::Failed(errno), "{offset} {operation} {value}");
        }
        assert_eq!(machine.futex(4096, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1), Step::Returned(0));
    }

    #[test]
    fn bits_select_waiters() {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, NULL);
        assert_eq!(machine.futex_with(0, FUTEX_WAIT_BITSET, 0, NULL, 0, 6), Step::Switched(3, 0));
        assert_eq!(machine.futex_with(0, FUTEX_WAKE_BITSET, 1, NULL, 0, 8), Step::Returned(0));
        assert_eq!(machine.futex_with(0, FUTEX_WAKE_BITSET, 1, NULL, 0, 4), Step::Returned(1));
    }

    #[test]
    fn timeouts_are_relative_or_absolute() {
        let mut machine = ThreadMachine::new();
        let time = machine.put_time(64, 3_000_000);
        assert_eq!(machine.futex_with(0, FUTEX_WAIT, 0, time, 0, 0), Step::Switched(PROCESS_ID, ETIMEDOUT));
        let after = machine.clock.now_ns();
        assert!((3_000_000..3_100_000).contains(&after), "{after}");
        machine.put_time(64, 5_000_000);
        let all = MATCH_ANY;
        assert_eq!(machine.futex_with(0, FUTEX_WAIT_BITSET, 0, time, 0, all), Step::Switched(2, ETIMEDOUT));
        assert_eq!(machine.clock.now_ns(), 5_000_000);
        machine.boot.start_time_ns = 1_000_000_000;
        machine.put_time(64, 1_007_000_000);
        let by_day = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
        assert_eq!(machine.futex_with(0, by_day, 0, time, 0, all), Step::Switched(2, ETIMEDOUT));
        assert_eq!(machine.clock.now_ns(), 7_000_000);
    }

    #[test]
    fn requeued_waiters_go_behind_those_already_there() {
        let mut machine = with_waiters();
        let two = UserAddress(2);
        assert_eq!(machine.futex_with(0, FUTEX_CMP_REQUEUE, 1, two, 8, 0), Step::Returned(3));
        assert_eq!(machine.futex(0, FUTEX_WAKE, 9), Step::Returned(0));
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        assert_eq!(machine.futex(0, FUTEX_WAIT, 0), Step::Switched(PROCESS_ID, 0));
        assert_eq!(machine.futex_with(0, FUTEX_REQUEUE, 0, two, 8, 0), Step::Returned(1));
        assert_eq!(machine.futex(8, FUTEX_WAKE, 9), Step::Returned(3));
        for tid in [4, 5, 3] {
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
        }
    }

    #[test]
    fn requeued_to_their_own_word_waiters_keep_their_places() {
        let mut machine = with_waiters();
        assert_eq!(machine.futex_with(0, FUTEX_REQUEUE, 0, UserAddress(2), 0, 0), Step::Returned(2));
        assert_eq!(machine.futex(0, FUTEX_WAKE, 9), Step::Returned(3));
        for tid in [3, 4, 5] {
            assert_eq!(machine.yield_now(), Step::Switched(tid, 0));
        }
    }

    #[test]
    fn wake_op_changes_the_second_word() {
        let mut machine = with_waiters();
        // Add 1 to the word at 8; wake its waiters too if it was 0 before.
        let step = machine.futex_with(0, FUTEX_WAKE_OP, 1, UserAddress(1), 8, 1 << 28 | 1 << 12);
        assert_eq!((step, machine.memory.bytes(8, 1)[0]), (Step::Returned(1), 1));
        let step = machine.futex_with(8, FUTEX_WAKE_OP, 1, UserAddress(2), 0, 1 << 28);
        assert_eq!(step, Step::Returned(2));
    }

    #[test]
    fn owned_words() {
        let mut machine = ThreadMachine::new();
        machine.spawn(0, NULL);
        let word = |machine: &ThreadMachine| machine.memory.read_u32(machine.memory.address(0));
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Returned(0));
        assert_eq!(word(&machine), Ok(2));
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Failed(Errno::EDEADLK));
        assert_eq!(machine.futex(0, FUTEX_TRYLOCK_PI, 0), Step::Failed(Errno::EDEADLK));
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        assert_eq!(machine.futex(0, FUTEX_TRYLOCK_PI, 0), Step::Failed(Errno::EAGAIN));
        assert_eq!(word(&machine), Ok(2 | FUTEX_WAITERS), "so that the owner asks the kernel");
        assert_eq!(machine.futex(0, FUTEX_UNLOCK_PI, 0), Step::Failed(Errno::EPERM));
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Switched(2, 0));
        assert_eq!(word(&machine), Ok(2 | FUTEX_WAITERS));
        assert_eq!(machine.futex(0, FUTEX_UNLOCK_PI, 0), Step::Returned(0));
        assert_eq!(word(&machine), Ok(3 | FUTEX_WAITERS));
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Switched(3, 0));
        let step = machine.call(|m, thread| exit(&mut m.memory, &mut m.threads, thread, 0));
        assert_eq!(step, Step::Switched(2, 0));
        assert_eq!(word(&machine), Ok(2 | FUTEX_WAITERS | FUTEX_OWNER_DIED));
        machine.memory.put(0, &77u32.to_le_bytes());
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Failed(Errno::ESRCH));
        assert_eq!(word(&machine), Ok(77 | FUTEX_WAITERS));
        assert_eq!(machine.futex(0, FUTEX_TRYLOCK_PI, 0), Step::Failed(Errno::ESRCH));
        let step = machine.futex(0, FUTEX_CMP_REQUEUE_PI, 0);
        assert!(matches!(step, Step::Stopped(Stop::Unsupported(_))));
    }

    /// Thread 2 owns the word at 0, 3 that at 8 and 4 that at 16; 3 waits for 2, and 4 for 3.
    #[test]
    fn owners_in_a_circle() {
        let mut machine = ThreadMachine::new();
        let others = [machine.spawn(0, NULL), machine.spawn(0, NULL)];
        for (offset, next) in [(0, others[0]), (8, others[1]), (16, PROCESS_ID)] {
            assert_eq!(machine.futex(offset, FUTEX_LOCK_PI, 0), Step::Returned(0));
            assert_eq!(machine.yield_now(), Step::Switched(next, 0));
        }
        assert_eq!(machine.yield_now(), Step::Switched(3, 0));
        assert_eq!(machine.futex(0, FUTEX_LOCK_PI, 0), Step::Switched(4, 0));
        assert_eq!(machine.futex(8, FUTEX_LOCK_PI, 0), Step::Switched(2, 0));
        assert_eq!(machine.futex(16, FUTEX_LOCK_PI, 0), Step::Failed(Errno::EDEADLK));
        // Words that make 4 wait for itself.
        machine.memory.put(8, &4u32.to_le_bytes());
        let step = machine.futex(16, FUTEX_LOCK_PI, 0);
        assert!(matches!(step, Step::Stopped(Stop::Deadlock)), "{step:?}");
    }

    /// What the quick function does with the word at `offset`; `None` if it leaves that to the general one.
    fn quickly(
        machine: &mut ThreadMachine,
        offset: usize,
        operation: u32,
        value: u32,
        timeout: UserAddress,
    ) -> Option<Step> {
        let address = machine.memory.address(offset);
        let mut is_done = true;
        let step = machine.call(|m, thread| {
            let outcome = wake_or_wait(&mut m.memory, &mut m.threads, thread, address, operation, value, timeout);
            is_done = outcome.is_some();
            outcome.unwrap_or(Ok(Leave::Return(0)))
        });
        is_done.then_some(step)
    }

    #[test]
    fn what_is_done_quickly_is_what_the_general_function_does() {
        let (wait, wake) = (FUTEX_WAIT | FUTEX_PRIVATE_FLAG, FUTEX_WAKE | FUTEX_PRIVATE_FLAG);
        let mut machines = [ThreadMachine::new(), ThreadMachine::new()];
        let [quick, general] = &mut machines;
        for _ in 0..3 {
            quick.spawn(0, UserAddress::NULL);
            general.spawn(0, UserAddress::NULL);
        }
        for (offset, operation, value) in [
            (0, wake, 1),
            (0, wait, 7),
            (0, wait, 0),
            (4, wait, 0),
            (0, wait, 0),
            (4, wake, 0),
            (8, wake, 9),
            (0, wake, u32::MAX),
            (0, wait, 0),
            (0, wait, 0),
            (0, wake, 9),
        ] {
            let step = general.futex(offset, operation, value);
            assert_eq!(quickly(quick, offset, operation, value, UserAddress::NULL), Some(step), "{operation} {value}");
        }
        let timeout = quick.put_time(64, 5);
        for (offset, operation, timeout) in [
            (0, FUTEX_WAKE, UserAddress::NULL),
            (2, wake, UserAddress::NULL),
            (2, wait, UserAddress::NULL),
            (0, wait, timeout),
            (1 << 40, wait, UserAddress::NULL),
        ] {
            assert_eq!(quickly(quick, offset, operation, 0, timeout), None, "{offset} {operation}");
        }
    }
}
