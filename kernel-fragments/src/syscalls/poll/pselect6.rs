//! `pselect6(2)`: <https://man7.org/linux/man-pages/man2/select.2.html>. Supported: everything; what remains of the timeout is
//! stored, as Linux's call does. Errors: EINVAL, EFAULT, EBADF, EINTR.

use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM};
use crate::errno::Errno;
use crate::outcome::Outcome;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::read_timeout;
use crate::subsystems::poll_wait::PollWait;
use crate::subsystems::signal_files::show_pending;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::watched;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

syscall!(72 => pselect6);

/// What counts as ready for the three sets (fs/select.c, POLLIN_SET, POLLOUT_SET, POLLEX_SET).
const EVENTS: [u16; 3] = [POLLRDNORM | POLLIN | POLLHUP | POLLERR, POLLWRNORM | POLLOUT | POLLERR, POLLPRI];

/// Bits of a word of a set.
const WORD_BITS: usize = 64;

/// One word of the three sets, what was asked for or what is ready.
type Words = [u64; 3];

/// Leaves in each set, of the descriptors below `count`, those that are ready, and returns how many bits that are. Waits
/// until there is one for at most the time at `timeout`. `signal_mask` is the address of a mask's address and size.
pub fn pselect6(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    count: i32,
    readable: UserAddress,
    writable: UserAddress,
    exceptional: UserAddress,
    timeout: UserAddress,
    signal_mask: UserAddress,
) -> Outcome {
    let (mask, mask_bytes) = match signal_mask.is_null() {
        true => (UserAddress::NULL, 0),
        false => (UserAddress(memory.read_u64(signal_mask)? as usize), memory.read_u64(signal_mask.add(8))? as usize),
    };
    let timeout_ns = read_timeout(memory, timeout)?;
    let wait = PollWait::begin(memory, clock, thread, timeout_ns, timeout, mask, mask_bytes)?;
    let wait = wait.awaiting(show_pending(descriptors, signals, thread));
    let sets = [readable, writable, exceptional];
    let mut wanted = Vec::new();
    let result = usize::try_from(count).map_err(|_| Errno::EINVAL).and_then(|count| {
        wanted = read_sets(memory, sets, count.min(descriptors.limit()))?;
        let ready = look(descriptors, clock.now_ns(), &wanted)?;
        let ready_count = ready.iter().flatten().map(|word| word.count_ones() as usize).sum();
        let may_be_last = ready_count > 0 || wait.is_over(clock);
        if may_be_last {
            write_sets(memory, sets, &ready)?;
        }
        Ok(ready_count)
    });
    let asked = (0..wanted.len() * WORD_BITS).filter(|&number| is_asked(&wanted, number));
    let files = asked.filter_map(|number| descriptors.get(Fd(number as i32)).ok().map(watched)).collect::<Vec<_>>();
    wait.finish(memory, signals, threads, clock, thread, count as u64, result, files.into_iter())
}

/// The sets, a word at a time, without what lies behind `count`.
fn read_sets(memory: &impl UserMemory, sets: [UserAddress; 3], count: usize) -> Result<Vec<Words>, Errno> {
    let mut all = Vec::new();
    for index in 0..count.div_ceil(WORD_BITS) {
        let rest = count - index * WORD_BITS;
        let counted = if rest < WORD_BITS { (1 << rest) - 1 } else { u64::MAX };
        let mut words = [0; 3];
        for (word, set) in words.iter_mut().zip(sets).filter(|(_, set)| !set.is_null()) {
            *word = memory.read_u64(set.add(8 * index))? & counted;
        }
        all.push(words);
    }
    Ok(all)
}

/// What of `wanted` is ready; EBADF if one of the descriptors is not open.
fn look(descriptors: &mut Descriptors, now_ns: u64, wanted: &[Words]) -> Result<Vec<Words>, Errno> {
    let mut ready = Vec::new();
    for (index, words) in wanted.iter().enumerate() {
        let mut found = [0; 3];
        for bit in (0..WORD_BITS).filter(|&bit| words.iter().any(|word| word >> bit & 1 != 0)) {
            let open = descriptors.get(Fd((index * WORD_BITS + bit) as i32))?;
            open.file.pass_time(now_ns);
            let events = open.file.ready();
            for ((found, word), set_events) in found.iter_mut().zip(words).zip(EVENTS) {
                *found |= u64::from(events & set_events != 0) << bit & word;
            }
        }
        ready.push(found);
    }
    Ok(ready)
}

fn write_sets(memory: &mut impl UserMemory, sets: [UserAddress; 3], ready: &[Words]) -> Result<(), Errno> {
    for (index, words) in ready.iter().enumerate() {
        for (&word, set) in words.iter().zip(sets).filter(|(_, set)| !set.is_null()) {
            memory.write_u64(set.add(8 * index), word)?;
        }
    }
    Ok(())
}

fn is_asked(wanted: &[Words], number: usize) -> bool {
    let words = wanted.get(number / WORD_BITS);
    words.is_some_and(|words| words.iter().any(|word| word >> (number % WORD_BITS) & 1 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing_threads::{Step, ThreadMachine};
    use alloc::boxed::Box;

    #[test]
    fn leaves_what_is_ready() {
        let (mut machine, mut descriptors, mut signals) = (ThreadMachine::new(), Descriptors::new(), Signals::new());
        machine.spawn(0, UserAddress::NULL);
        let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
        assert_eq!(descriptors.insert(counter.clone(), false, 70), Ok(Fd(70)));
        let (null, bad) = (UserAddress::NULL, UserAddress(8));
        let mut call = |machine: &mut ThreadMachine, count, sets: [UserAddress; 3], timeout, mask| {
            machine.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                let (descriptors, signals) = (&mut descriptors, &mut signals);
                let [read, write, other] = sets;
                pselect6(memory, descriptors, signals, threads, clock, thread, count, read, write, other, timeout, mask)
            })
        };
        let put = |machine: &mut ThreadMachine, offset, words: [u64; 2]| {
            machine.memory.put(offset, &words.map(u64::to_le_bytes).concat())
        };
        let read = put(&mut machine, 0, [1, 1 << 6 | 1 << 7]);
        let write = put(&mut machine, 16, [2, 1 << 6]);
        let zero = put(&mut machine, 32, [0, 0]);
        assert_eq!(
            call(&mut machine, 71, [read, write, null], null, null),
            Step::Returned(3),
            "beyond 71 is not looked at"
        );
        assert_eq!(
            machine.memory.bytes(0, 32),
            [[1, 0], [2, 1 << 6]]
                .as_flattened()
                .iter()
                .map(|word: &u64| word.to_le_bytes())
                .collect::<Vec<_>>()
                .concat()
        );
        let read = put(&mut machine, 0, [0, 1 << 6]);
        assert_eq!(call(&mut machine, 71, [read, null, null], null, null), Step::Switched(3, 0));
        assert_eq!(counter.file.write(&mut machine.platform, 0, &1u64.to_le_bytes()), Ok(8));
        assert_eq!(machine.yield_now(), Step::Switched(2, 71));
        assert_eq!(call(&mut machine, 71, [read, null, null], null, null), Step::Returned(1));
        let other = put(&mut machine, 48, [0, 1 << 6]);
        assert_eq!(call(&mut machine, 71, [null, null, other], zero, null), Step::Returned(0));
        assert_eq!(machine.memory.bytes(48, 16), [0; 16], "nothing is ready any more, and it says so");
        let read = put(&mut machine, 0, [1 << 5, 0]);
        assert_eq!(call(&mut machine, 71, [read, null, null], zero, null), Step::Failed(Errno::EBADF));
        assert_eq!(call(&mut machine, -1, [read, null, null], zero, null), Step::Failed(Errno::EINVAL));
        assert_eq!(call(&mut machine, 1, [bad, null, null], zero, null), Step::Failed(Errno::EFAULT));
        assert_eq!(call(&mut machine, 1, [bad, null, null], bad, null), Step::Failed(Errno::EFAULT));
    }
}
