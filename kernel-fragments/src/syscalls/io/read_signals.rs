//! `read(2)`: <https://man7.org/linux/man-pages/man2/read.2.html>, where a file may be a signalfd. Supported: every kind of file. A
//! file that another thread closes meanwhile ends the wait with EBADF. Errors: EBADF, EFAULT, EISDIR, EINVAL, EAGAIN, EINTR.

use crate::outcome::Outcome;
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::signal_files::{read_signals, signal_file};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::syscalls::io::read_waits::read as read_others;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(63 => read, signal_files);

/// Reads up to `len_bytes` bytes from the file's position to `address`; 0 at its end.
pub fn read(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
) -> Outcome {
    let open = descriptors.readable(fd)?;
    if let Some(file) = signal_file(open) {
        return read_signals(memory, signals, threads, thread, fd.0 as u64, open, file, &[(address, len_bytes)]);
    }
    read_others(memory, descriptors, platform, threads, clock, thread, fd, address, len_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_NONBLOCK, O_RDWR};
    use crate::abi::signal::{Action, SIGTERM, SIGUSR1, set_of};
    use crate::errno::Errno;
    use crate::syscalls::signal::signalfd4::signalfd4;
    use crate::syscalls::signal::tkill::tkill;
    use crate::testing_threads::{Step, ThreadMachine};
    use crate::thread::PC;

    struct Machine {
        threads: ThreadMachine,
        descriptors: Descriptors,
        signals: Signals,
    }

    impl Machine {
        /// A second thread, and a file of SIGTERM and SIGUSR1, which are blocked, as descriptor 3.
        fn new() -> Machine {
            let (mut threads, mut descriptors) = (ThreadMachine::new(), Descriptors::new());
            threads.current().signal_mask = set_of(SIGTERM) | set_of(SIGUSR1);
            threads.spawn(0, UserAddress::NULL);
            let mask = threads.memory.put(0, &(set_of(SIGTERM) | set_of(SIGUSR1)).to_le_bytes());
            assert_eq!(signalfd4(&mut threads.memory, &mut descriptors, -1, mask, 8, 0), Ok(3));
            Machine { threads, descriptors, signals: Signals::new() }
        }

        fn read(&mut self, len_bytes: usize) -> Step {
            let Machine { threads, descriptors, signals } = self;
            let address = threads.memory.address(512);
            threads.call(|m, thread| {
                let (memory, platform, clock) = (&mut m.memory, &mut m.platform, &mut m.clock);
                let threads = &mut m.threads;
                read(memory, descriptors, platform, signals, threads, clock, thread, Fd(3), address, len_bytes)
            })
        }

        fn kill(&mut self, tid: i32, signal: u32) -> Step {
            let Machine { threads, signals, .. } = self;
            threads.call(|m, thread| {
                tkill(&mut m.memory, signals, &mut m.threads, &mut m.clock, thread, tid, signal as i32)
            })
        }
    }

    #[test]
    fn what_is_pending_and_what_comes() {
        let mut machine = Machine::new();
        assert_eq!(machine.read(127), Step::Failed(Errno::EINVAL));
        for signal in [SIGTERM, SIGUSR1] {
            assert_eq!(machine.kill(2, signal), Step::Returned(0));
        }
        assert_eq!(machine.read(3 * 128 + 5), Step::Returned(2 * 128), "it does not wait for more");
        let first = |machine: &Machine, offset| machine.threads.memory.bytes(offset, 1)[0];
        assert_eq!((first(&machine, 512), first(&machine, 640)), (SIGUSR1 as u8, SIGTERM as u8));
        assert_eq!(machine.read(128), Step::Switched(3, 0));
        assert_eq!(machine.kill(2, SIGTERM), Step::Returned(0));
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, 3));
        assert_eq!(machine.read(128), Step::Returned(128));
        machine.descriptors.get(Fd(3)).expect("it is open").flags.set(O_RDWR | O_NONBLOCK);
        assert_eq!(machine.read(128), Step::Failed(Errno::EAGAIN));
    }

    /// A signal that is not blocked is for its handler.
    #[test]
    fn handlers_come_first() {
        let mut machine = Machine::new();
        machine.threads.current().signal_mask = set_of(SIGTERM);
        let action = Action { handler: 0x4000, flags: 0, mask: 0 };
        machine.signals.set_action(machine.threads.current(), SIGUSR1, action);
        assert_eq!(machine.read(128), Step::Switched(3, 0));
        let behind = {
            let thread = machine.threads.threads.find(2).expect("it waits");
            thread.frame.x[PC]
        };
        assert_eq!(machine.kill(2, SIGUSR1), Step::Returned(0));
        let eintr = -i64::from(Errno::EINTR.0);
        assert_eq!(machine.threads.yield_now(), Step::Switched(2, eintr));
        assert_eq!(machine.threads.current().frame.x[PC], behind + 4, "the call is over");
    }
}
