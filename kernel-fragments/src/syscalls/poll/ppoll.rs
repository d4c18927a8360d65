//! `ppoll(2)`: <https://man7.org/linux/man-pages/man2/ppoll.2.html>. Supported: everything; what remains of the timeout is
//! stored, as Linux's call does. Errors: EINVAL, EFAULT, EINTR.

use crate::outcome::Outcome;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::poll_arguments::read_timeout;
use crate::subsystems::poll_scan::{check_list, element, scan};
use crate::subsystems::poll_wait::PollWait;
use crate::subsystems::signal_files::show_pending;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::waiting::watched;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

syscall!(73 => ppoll);

/// Tells for each of the `count` descriptors listed at `list` what is ready, and returns for how many something is. Waits
/// until there is one for at most the time at `timeout`.
pub fn ppoll(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    list: UserAddress,
    count: u32,
    timeout: UserAddress,
    signal_mask: UserAddress,
    signal_mask_bytes: usize,
) -> Outcome {
    let timeout_ns = read_timeout(memory, timeout)?;
    let wait = PollWait::begin(memory, clock, thread, timeout_ns, timeout, signal_mask, signal_mask_bytes)?;
    let wait = wait.awaiting(show_pending(descriptors, signals, thread));
    let result = match check_list(memory, descriptors, list, count) {
        Ok(()) => scan(memory, descriptors, clock.now_ns(), list, count),
        Err(errno) => Err(errno),
    };
    let wanted: Vec<_> = match result {
        Ok(0) => (0..count as usize).filter_map(|index| element(memory, list, index).ok()).collect(),
        _ => Vec::new(),
    };
    let files = wanted.iter().filter_map(|element| descriptors.get(element.fd).ok().map(watched));
    wait.finish(memory, signals, threads, clock, thread, list.0 as u64, result, files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::O_RDWR;
    use crate::abi::pollfd::{POLLIN, PollFd};
    use crate::abi::signal::{Action, SIGTERM, set_of};
    use crate::errno::Errno;
    use crate::register::Fd;
    use crate::subsystems::event_counter::EventCounter;
    use crate::subsystems::open_file::OpenFile;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::PC;
    use alloc::boxed::Box;

    struct Machine {
        threads: ThreadMachine,
        descriptors: Descriptors,
        signals: Signals,
    }

    impl Machine {
        /// A second thread, and a counter as descriptor 3, which is listed at 0.
        fn new() -> Machine {
            let (mut threads, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            threads.spawn(0, UserAddress::NULL);
            let counter = OpenFile::new(Box::new(EventCounter::new(0, false)), O_RDWR);
            descriptors.insert(counter, false, 0).expect("there is room");
            threads.memory.put(0, &PollFd { fd: Fd(3), events: POLLIN }.encode(0).to_le_bytes());
            Machine { threads, descriptors, signals: Signals::new() }
        }

        fn poll(
            &mut self,
            list: UserAddress,
            count: u32,
            timeout: UserAddress,
            mask: UserAddress,
            bytes: usize,
        ) -> Step {
            let (descriptors, signals) = (&mut self.descriptors, &mut self.signals);
            self.threads.call(|m, thread| {
                let (memory, threads, clock) = (&mut m.memory, &mut m.threads, &mut m.clock);
                ppoll(memory, descriptors, signals, threads, clock, thread, list, count, timeout, mask, bytes)
            })
        }
    }

    /// The answers are those of Linux.
    #[test]
    fn arguments_in_order() {
        let mut machine = Machine::new();
        let zero = machine.threads.memory.address(32);
        let wrong = machine.threads.memory.put(48, &[[0; 8], 1_000_000_000u64.to_le_bytes()].concat());
        let bad = UserAddress(8);
        for (count, timeout, mask, mask_bytes, expected) in [
            (1, wrong, bad, 8, Step::Failed(Errno::EINVAL)),
            (1, bad, bad, 9, Step::Failed(Errno::EFAULT)),
            (1, zero, zero, 9, Step::Failed(Errno::EINVAL)),
            (1, zero, bad, 8, Step::Failed(Errno::EFAULT)),
            (2000, zero, zero, 8, Step::Failed(Errno::EINVAL)),
            (1, zero, zero, 8, Step::Failed(Errno::EFAULT)),
            (0, zero, zero, 8, Step::Returned(0)),
        ] {
            assert_eq!(machine.poll(bad, count, timeout, mask, mask_bytes), expected);
            assert_eq!(machine.threads.current().mask_to_restore, None);
        }
    }

    #[test]
    fn waits_for_a_file_or_for_its_time() {
        let mut machine = Machine::new();
        let (list, time) = (machine.threads.memory.address(0), machine.threads.put_time(16, 9_000_000));
        let null = UserAddress::NULL;
        assert_eq!(machine.poll(list, 1, time, null, 0), Step::Switched(3, 0));
        let counter = machine.descriptors.get(Fd(3)).expect("it is open").clone();
        assert_eq!(counter.file.write(&mut machine.threads.platform, 0, &1u64.to_le_bytes()), Ok(8));
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, list.0 as i64));
        assert_eq!(machine.poll(list, 1, time, null, 0), Step::Returned(1));
        assert_eq!(machine.threads.memory.bytes(6, 1)[0], POLLIN as u8);
        let left = u32::from_le_bytes(machine.threads.memory.bytes(24, 4).try_into().expect("four bytes"));
        assert!((8_900_000..9_000_000).contains(&left), "{left} ns remain");

        assert_eq!(counter.file.read(&mut machine.threads.platform, 0, &mut [0; 8]), Ok(8));
        assert_eq!(machine.poll(list, 1, time, null, 0), Step::Switched(3, 0));
        assert_eq!(machine.poll(list, 1, null, null, 0), Step::Switched(2, list.0 as i64), "the clock jumps");
        assert_eq!(machine.poll(list, 1, time, null, 0), Step::Returned(0));
        assert_eq!(machine.threads.memory.bytes(16, 16), [0; 16], "nothing remains");
    }

    /// The mask holds while the call waits; the handler's frame has the old one to go back to.
    #[test]
    fn a_signal_that_the_mask_lets_in_ends_it() {
        let mut machine = Machine::new();
        let action = Action { handler: 0x4000, flags: 0, mask: 0 };
        let Machine { threads, signals, .. } = &mut machine;
        signals.set_action(threads.current(), SIGTERM, action);
        threads.current().signal_mask = set_of(SIGTERM);
        signals.send_to_thread(threads.current(), SIGTERM).expect("it is sent");
        let (list, mask, null) = (threads.memory.address(0), threads.memory.address(64), UserAddress::NULL);
        let pc = threads.current().frame.x[PC];
        assert_eq!(machine.poll(list, 1, null, mask, 8), Step::Switched(2, -4));
        let thread = machine.threads.current();
        assert_eq!((thread.signal_mask, thread.mask_to_restore), (0, Some(set_of(SIGTERM))));
        assert_eq!(thread.frame.x[PC], pc + 4);
    }
}
