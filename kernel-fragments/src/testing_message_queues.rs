//! Threads that send and receive, for host tests: how calls of message queues work together.
#![cfg(test)]

use crate::abi::message_queue::QueueAttributes;
use crate::abi::open_flags::{O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
use crate::abi::pollfd::POLLIN;
use crate::abi::sched::{SCHED_FIFO, SCHED_NORMAL};
use crate::abi::signal::{Action, SA_RESTART, SIGTERM};
use crate::abi::signal_info::SI_MESGQ;
use crate::abi::timespec::SECOND_NS;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queue::{Notice, QueueFile, queue_file};
use crate::subsystems::message_queues::MessageQueues;
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::signal_limit::{LOST, set_limit};
use crate::subsystems::signals::{Signals, Taken};
use crate::subsystems::time_of_day::set;
use crate::syscalls::ipc::mq_timedreceive::mq_timedreceive;
use crate::syscalls::ipc::mq_timedsend::mq_timedsend;
use crate::testing_threads::{Step, ThreadMachine};
use crate::thread::{A0, PC, PROCESS_ID};
use crate::user_memory::UserAddress;
use alloc::boxed::Box;

/// Where what is sent lies, what is received comes to, and its priority.
const SENT: usize = 0;
const RECEIVED: usize = 64;
const PRIORITY: usize = 96;
/// Where the time lies until when calls wait.
const TIME: usize = 128;

/// A queue for `messages` messages of 8 bytes, as descriptor 3, and as 4 for reading and 5 for writing only, and not waiting as 6.
struct Sample {
    machine: ThreadMachine,
    descriptors: Descriptors,
    queues: MessageQueues,
    signals: Signals,
}

impl Sample {
    fn new(most_messages: i64, threads: u32) -> Sample {
        let (mut machine, mut descriptors, mut queues) =
            (ThreadMachine::new(), Descriptors::new(), MessageQueues::new());
        for _ in 1..threads {
            machine.spawn(0, UserAddress::NULL);
        }
        let attributes = QueueAttributes { flags: 0, most_messages, most_bytes: 8, messages: 0 };
        let inode = OwnInode::new(7);
        let queue = queues
            .create(&mut machine.threads, &BootInfo::default(), b"q", Some(attributes), 0, 819_200, inode)
            .expect("room");
        for flags in [O_RDWR, O_RDONLY, O_WRONLY, O_RDWR | O_NONBLOCK] {
            let open = OpenFile::new(Box::new(QueueFile::new(queue.clone())), flags);
            descriptors.insert(open, false, 0).expect("there is room");
        }
        Sample { machine, descriptors, queues, signals: Signals::new() }
    }

    /// Makes the queue `name` and opens it.
    fn open(&mut self, name: &[u8], attributes: QueueAttributes, limit_bytes: u64) -> Result<Fd, Errno> {
        let inode = OwnInode::new(8);
        let boot = BootInfo::default();
        let queue =
            self.queues.create(&mut self.machine.threads, &boot, name, Some(attributes), 0, limit_bytes, inode)?;
        self.descriptors.insert(OpenFile::new(Box::new(QueueFile::new(queue)), O_RDWR), false, 0)
    }

    fn send(&mut self, fd: i32, byte: u8, priority: u32) -> Step {
        let address = self.machine.memory.put(SENT, &[byte]);
        self.send_from(fd, address, 1, priority, UserAddress::NULL)
    }

    fn send_from(&mut self, fd: i32, at: UserAddress, bytes: usize, priority: u32, timeout: UserAddress) -> Step {
        let Sample { machine, descriptors, queues, signals } = self;
        machine.call(|m, thread| {
            let ThreadMachine { memory, threads, clock, boot, .. } = m;
            mq_timedsend(
                memory,
                descriptors,
                queues,
                signals,
                threads,
                clock,
                thread,
                boot,
                Fd(fd),
                at,
                bytes,
                priority,
                timeout,
            )
        })
    }

    fn receive(&mut self, fd: i32) -> Step {
        let into = self.machine.memory.address(RECEIVED);
        self.receive_to(fd, into, 8, UserAddress::NULL)
    }

    fn receive_to(&mut self, fd: i32, into: UserAddress, bytes: usize, timeout: UserAddress) -> Step {
        let Sample { machine, descriptors, queues, .. } = self;
        let priority = machine.memory.address(PRIORITY);
        machine.call(|m, thread| {
            let ThreadMachine { memory, threads, clock, boot, .. } = m;
            mq_timedreceive(
                memory,
                descriptors,
                queues,
                threads,
                clock,
                thread,
                boot,
                Fd(fd),
                into,
                bytes,
                priority,
                timeout,
            )
        })
    }

    /// What was received last: the byte and its priority.
    fn received(&self) -> (u8, u8) {
        (self.machine.memory.bytes(RECEIVED, 1)[0], self.machine.memory.bytes(PRIORITY, 1)[0])
    }
}

#[test]
fn errors_in_order() {
    let mut sample = Sample::new(1, 1);
    let (bad, null) = (UserAddress(8), UserAddress::NULL);
    let good = sample.machine.memory.address(SENT);
    let wrong = sample.machine.put_time(TIME, 0);
    sample.machine.memory.put(TIME + 8, &SECOND_NS.to_le_bytes());
    let zero = sample.machine.memory.address(512);
    for (fd, at, bytes, priority, timeout, expected) in [
        (9, bad, 9, 32768, bad, Step::Failed(Errno::EFAULT)),
        (9, bad, 9, 1, wrong, Step::Failed(Errno::EINVAL)),
        (9, bad, 9, 32768, null, Step::Failed(Errno::EINVAL)),
        (9, bad, 9, 1, null, Step::Failed(Errno::EBADF)),
        (1, bad, 9, 1, null, Step::Failed(Errno::EBADF)),
        (4, bad, 9, 1, null, Step::Failed(Errno::EBADF)),
        (3, bad, 9, 1, null, Step::Failed(Errno::EMSGSIZE)),
        (3, bad, 8, 1, null, Step::Failed(Errno::EFAULT)),
        (3, bad, 0, 32767, wrong, Step::Failed(Errno::EINVAL)),
        (3, bad, 0, 32767, zero, Step::Returned(0)),
        (6, bad, 1, 1, zero, Step::Failed(Errno::EFAULT)),
        (6, good, 1, 1, zero, Step::Failed(Errno::EAGAIN)),
        (3, good, 1, 1, zero, Step::Failed(Errno::ETIMEDOUT)),
    ] {
        assert_eq!(sample.send_from(fd, at, bytes, priority, timeout), expected, "{fd} {bytes} {priority}");
    }
    for (fd, bytes, timeout, expected) in [
        (9, 7, bad, Step::Failed(Errno::EFAULT)),
        (9, 7, wrong, Step::Failed(Errno::EINVAL)),
        (9, 7, null, Step::Failed(Errno::EBADF)),
        (5, 7, null, Step::Failed(Errno::EBADF)),
        (3, 7, null, Step::Failed(Errno::EMSGSIZE)),
        (3, 8, null, Step::Returned(0)),
        (6, 8, zero, Step::Failed(Errno::EAGAIN)),
        (3, 8, zero, Step::Failed(Errno::ETIMEDOUT)),
        (3, 8, null, Step::Stopped(crate::stop::Stop::Deadlock)),
    ] {
        assert_eq!(sample.receive_to(fd, bad, bytes, timeout), expected, "{fd} {bytes}");
    }
}

/// The sender does not get its own message back.
#[test]
fn a_message_goes_to_who_waits() {
    let mut sample = Sample::new(2, 2);
    assert_eq!(sample.receive(4), Step::Switched(3, 0));
    let open = sample.descriptors.get(Fd(3)).expect("it is open").clone();
    let queue = &queue_file(&open).expect("it is one").queue;
    assert_eq!(queue.set_notice(Notice::Signal(SIGTERM, 1)), Ok(()));
    let polled = open.file.activity();
    assert_eq!((sample.send(5, 7, 9), sample.received()), (Step::Returned(0), (7, 9)));
    assert_eq!(sample.receive(6), Step::Failed(Errno::EAGAIN));
    assert_eq!((open.file.activity(), queue.forget_notice()), (polled, true), "nobody else learns of it");
    assert_eq!(sample.receive(3), Step::Switched(2, 1), "it has its result");
    // A buffer that is none: the message is gone.
    assert_eq!(sample.receive_to(3, UserAddress(8), 8, UserAddress::NULL), Step::Stopped(crate::stop::Stop::Deadlock));
}

#[test]
fn room_goes_to_who_waits() {
    let mut sample = Sample::new(1, 2);
    assert_eq!((sample.send(3, 1, 0), sample.send(3, 2, 5)), (Step::Returned(0), Step::Switched(3, 0)));
    // What is sent was read before the wait.
    sample.machine.memory.put(SENT, &[9]);
    assert_eq!((sample.receive(3), sample.received()), (Step::Returned(1), (1, 0)));
    assert_eq!(sample.send(6, 3, 0), Step::Failed(Errno::EAGAIN), "it is full again");
    assert_eq!(sample.machine.yield_now(), Step::Switched(2, 0));
    assert_eq!((sample.receive(3), sample.received()), (Step::Returned(1), (2, 5)));
}

#[test]
fn senders_are_let_in_as_they_came() {
    let mut sample = Sample::new(1, 3);
    assert_eq!((sample.send(3, 1, 0), sample.send(3, 2, 0)), (Step::Returned(0), Step::Switched(3, 0)));
    assert_eq!(sample.send(5, 3, 9), Step::Switched(4, 0), "the message's priority does not count");
    for byte in 1..=3 {
        assert_eq!((sample.receive(3), sample.received().0), (Step::Returned(1), byte));
    }
}

/// The signal waits until the sender blocks it no more; whom the queue told is told no more all the same.
#[test]
fn who_blocks_the_signal_is_told_later() {
    let mut sample = Sample::new(2, 1);
    let action = Action { handler: 0x4000, flags: SA_RESTART, mask: 0 };
    sample.signals.set_action(sample.machine.current(), SIGTERM, action);
    sample.machine.current().signal_mask = 1 << (SIGTERM - 1);
    let open = sample.descriptors.get(Fd(3)).expect("it is open").clone();
    let queue = &queue_file(&open).expect("it is one").queue;
    assert_eq!(queue.set_notice(Notice::Signal(SIGTERM, 77)), Ok(()));
    assert_eq!((sample.send(3, 1, 0), queue.forget_notice()), (Step::Returned(0), false));
    let taken = sample.signals.take(sample.machine.current(), u64::MAX).expect("it was sent");
    assert_eq!((taken.signal, taken.info.words), (SIGTERM, [PROCESS_ID.into(), 77]));
}

#[test]
fn times_pass() {
    let mut sample = Sample::new(1, 1);
    let into = sample.machine.memory.address(RECEIVED);
    let time = sample.machine.put_time(TIME, 5 * SECOND_NS);
    assert_eq!(sample.receive_to(3, into, 8, time), Step::Switched(2, 3), "the clock jumps");
    assert!(sample.machine.clock.now_ns() >= 5 * SECOND_NS);
    assert_eq!(sample.receive_to(3, into, 8, time), Step::Failed(Errno::ETIMEDOUT));
    let at = sample.machine.memory.put(SENT, &[1]);
    assert_eq!(sample.send_from(3, at, 1, 0, time), Step::Returned(0));
    let time = sample.machine.put_time(TIME, 9 * SECOND_NS);
    assert_eq!(sample.send_from(3, at, 1, 0, time), Step::Switched(2, 3));
    assert_eq!(sample.send_from(3, at, 1, 0, time), Step::Failed(Errno::ETIMEDOUT));
    assert_eq!((sample.receive(3), sample.receive(6)), (Step::Returned(1), Step::Failed(Errno::EAGAIN)));
}

/// Whoever was interrupted gets nothing any more.
#[test]
fn handlers_end_waits() {
    let mut sample = Sample::new(1, 2);
    assert_eq!(sample.receive(3), Step::Switched(3, 0));
    let pc = sample.machine.threads.find(PROCESS_ID).expect("it waits").frame.x[PC];
    let ThreadMachine { memory, threads, clock, .. } = &mut sample.machine;
    threads.interrupt(memory, clock, PROCESS_ID, false);
    assert_eq!(sample.send(3, 1, 0), Step::Returned(0));
    assert_eq!(sample.machine.yield_now(), Step::Switched(2, -4));
    assert_eq!(sample.machine.current().frame.x[PC], pc + 4);
    assert_eq!(sample.receive(6), Step::Returned(1), "the message is still there");
}

/// The queue that was waited at is gone with its name and its descriptors: there may be another in its place.
#[test]
fn a_wait_that_is_over_keeps_no_queue() {
    let mut sample = Sample::new(1, 2);
    assert_eq!(sample.receive(3), Step::Switched(3, 0));
    let queue = sample.queues.find(b"q").expect("it is there").clone();
    sample.queues.unlink(&queue);
    let (attributes, one) = (queue.attributes(), queue.counted_bytes());
    drop(queue);
    for fd in 3..7 {
        sample.descriptors.remove(Fd(fd)).expect("it is open");
    }
    assert_eq!(sample.open(b"r", attributes, one), Err(Errno::EMFILE), "it is still waited at");
    let ThreadMachine { memory, threads, clock, .. } = &mut sample.machine;
    threads.interrupt(memory, clock, PROCESS_ID, false);
    assert_eq!(sample.open(b"r", attributes, one), Ok(Fd(3)));
}

/// The handler comes after the message: as on Linux the call has its result already.
#[test]
fn what_was_received_is_not_lost_to_a_handler() {
    let mut sample = Sample::new(1, 2);
    assert_eq!(sample.receive(3), Step::Switched(3, 0));
    assert_eq!(sample.send(3, 1, 0), Step::Returned(0));
    sample.machine.threads.find(PROCESS_ID).expect("it is ready").break_off(false);
    assert_eq!(sample.machine.yield_now(), Step::Switched(2, 1));
}

#[test]
fn closing_ends_no_wait_and_setting_the_clock_does() {
    let mut sample = Sample::new(1, 2);
    let time = sample.machine.put_time(TIME, 5 * SECOND_NS);
    let into = sample.machine.memory.address(RECEIVED);
    assert_eq!(sample.receive_to(3, into, 8, time), Step::Switched(3, 0));
    let open = sample.descriptors.remove(Fd(3)).expect("it is open").file;
    // What its call was told counts, not what stands there by now.
    sample.machine.put_time(TIME, 99 * SECOND_NS);
    let set = |machine: &mut ThreadMachine, time_ns| {
        let moved_ns = set(&mut machine.clock, &machine.boot, time_ns).expect("it may");
        open.file.clock_was_set(moved_ns);
    };
    set(&mut sample.machine, 4 * SECOND_NS);
    assert_eq!(sample.machine.yield_now(), Step::Switched(2, 3), "it makes its call again");
    assert_eq!(sample.receive_to(3, into, 8, time), Step::Switched(3, 0));
    set(&mut sample.machine, 6 * SECOND_NS);
    assert_eq!(sample.machine.yield_now(), Step::Switched(2, 3));
    assert_eq!(sample.receive_to(3, into, 8, UserAddress(8)), Step::Failed(Errno::ETIMEDOUT));
    assert_eq!(sample.receive(3), Step::Failed(Errno::EBADF));
}

/// Its time has come, but it did not run yet: meanwhile its descriptor becomes another queue's.
#[test]
fn who_was_woken_stays_at_its_queue() {
    let mut sample = Sample::new(1, 3);
    assert_eq!(sample.send(3, 1, 0), Step::Returned(0));
    let time = sample.machine.put_time(TIME, 5 * SECOND_NS);
    let at = sample.machine.memory.put(SENT, &[2]);
    assert_eq!(sample.send_from(3, at, 1, 0, time), Step::Switched(3, 0));
    sample.machine.clock.idle_until(6 * SECOND_NS);
    assert_eq!(sample.machine.yield_now(), Step::Switched(4, 0));
    sample.descriptors.remove(Fd(3)).expect("it is open");
    let attributes = QueueAttributes { flags: 0, most_messages: 9, most_bytes: 8, messages: 0 };
    assert_eq!((sample.open(b"other", attributes, u64::MAX), sample.send(3, 3, 0)), (Ok(Fd(3)), Step::Returned(0)));
    assert_eq!((sample.machine.yield_now(), sample.machine.yield_now()), (Step::Switched(3, 0), Step::Switched(2, 3)));
    assert_eq!(sample.send_from(3, at, 1, 0, time), Step::Failed(Errno::ETIMEDOUT));
    assert_eq!((sample.receive(3), sample.received().0), (Step::Returned(1), 3));
    let open = sample.descriptors.get(Fd(3)).expect("it is open").clone();
    assert_eq!(open.file.ready() & POLLIN, 0, "only what was sent there");
}

/// As on Linux, whose time has come gets what comes before it runs.
#[test]
fn who_was_woken_still_gets_a_message() {
    let mut sample = Sample::new(1, 2);
    let time = sample.machine.put_time(TIME, 5 * SECOND_NS);
    let into = sample.machine.memory.address(RECEIVED);
    assert_eq!(sample.receive_to(3, into, 8, time), Step::Switched(3, 0));
    let woken = sample.machine.spawn(0, UserAddress::NULL);
    sample.machine.clock.idle_until(6 * SECOND_NS);
    assert_eq!(sample.machine.yield_now(), Step::Switched(woken, 0));
    assert_eq!((sample.send(3, 7, 0), sample.receive(6)), (Step::Returned(0), Step::Failed(Errno::EAGAIN)));
    assert_eq!((sample.machine.yield_now(), sample.machine.yield_now()), (Step::Switched(3, 0), Step::Switched(2, 1)));
    assert_eq!(sample.received(), (7, 0));
}

#[test]
fn who_waits_longest_is_next_unless_another_is_more_important() {
    for (priority, first, second) in [(0, 2, 3), (5, 3, 2)] {
        let mut sample = Sample::new(1, 3);
        assert_eq!(sample.receive(3), Step::Switched(3, 0));
        let thread = sample.machine.current();
        let policy = if priority > 0 { SCHED_FIFO } else { SCHED_NORMAL };
        thread.scheduling = thread.scheduling.with_policy(policy, priority).expect("it exists");
        assert_eq!(sample.receive(3), Step::Switched(4, 0));
        for tid in [first, second] {
            assert_eq!(sample.send(3, tid, 0), Step::Returned(0));
            let woken = sample.machine.threads.find(tid.into()).expect("it is there");
            assert!(!woken.unfinished.is_waiting && woken.frame.x[A0] == 1, "{tid}");
        }
    }
}

#[test]
fn the_process_is_told() {
    let mut sample = Sample::new(2, 1);
    let action = Action { handler: 0x4000, flags: SA_RESTART, mask: 0 };
    sample.signals.set_action(sample.machine.current(), SIGTERM, action);
    let open = sample.descriptors.get(Fd(3)).expect("it is open").clone();
    let queue = &queue_file(&open).expect("it is one").queue;
    assert_eq!(queue.set_notice(Notice::Signal(SIGTERM, 77)), Ok(()));
    assert_eq!(sample.send(3, 1, 0), Step::Switched(2, 0));
    let taken = sample.signals.take(sample.machine.current(), u64::MAX).expect("it was sent");
    assert_eq!((taken.signal, taken.info.code, taken.info.words), (SIGTERM, SI_MESGQ, [PROCESS_ID.into(), 77]));
    assert_eq!(queue.set_notice(Notice::Signal(0, 77)), Ok(()), "only once");
    assert_eq!(
        (sample.receive(3), sample.send(3, 1, 0), queue.forget_notice()),
        (Step::Returned(1), Step::Returned(0), false)
    );
}

/// A notice that cannot be queued is lost, or what it tells; who sends the message knows nothing of that.
#[test]
fn a_notice_beyond_the_limit_is_lost() {
    let mut sample = Sample::new(2, 1);
    sample.machine.current().signal_mask = u64::MAX;
    let open = sample.descriptors.get(Fd(3)).expect("it is open").clone();
    let queue = &queue_file(&open).expect("it is one").queue;
    set_limit(0);
    for (signal, taken) in [(40, None), (SIGTERM, Some(Taken { signal: SIGTERM, info: LOST }))] {
        assert_eq!(queue.set_notice(Notice::Signal(signal, 77)), Ok(()));
        assert_eq!((sample.send(3, 1, 0), queue.forget_notice()), (Step::Returned(0), false));
        assert_eq!(sample.signals.take(sample.machine.current(), u64::MAX), taken);
        assert_eq!(sample.receive(3), Step::Returned(1));
    }
}
