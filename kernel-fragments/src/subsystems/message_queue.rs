//! One POSIX message queue (`mq_overview(7)`, ipc/mqueue.c): its messages, whom it tells that it is empty no more, and the
//! file that a descriptor of it stands for. Who waits at it is in `message_queues.rs`.

use crate::abi::message_queue::{MESSAGE_OVERHEAD_BYTES, PRIORITIES, QUEUE_DEVICE, QUEUE_FILE_BYTES, QueueAttributes};
use crate::abi::pollfd::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::{S_IFREG, Stat};
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::node_times::Times;
use crate::subsystems::open_file::{File, OpenFile, READS};
use crate::subsystems::own_inode::OwnInode;
use crate::thread::PROCESS_ID;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;

/// One message.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Message {
    /// The higher, the sooner it is received.
    pub priority: u32,
    /// What it says.
    pub bytes: Vec<u8>,
}

impl Message {
    /// The one of `len_bytes` bytes at `address`.
    ///
    /// # Errors
    /// EFAULT; ENOMEM if the kernel's heap is full.
    pub fn read(
        memory: &impl UserMemory,
        address: UserAddress,
        len_bytes: usize,
        priority: u32,
    ) -> Result<Message, Errno> {
        let from = memory.slice(address, len_bytes)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len_bytes).map_err(|_| Errno::ENOMEM)?;
        bytes.extend_from_slice(from);
        Ok(Message { priority, bytes })
    }

    /// Stores it at `address`, and its priority at `priority_place` unless that is null; returns its length. EFAULT.
    pub fn store(
        &self,
        memory: &mut impl UserMemory,
        address: UserAddress,
        priority_place: UserAddress,
    ) -> Result<usize, Errno> {
        if !priority_place.is_null() {
            memory.write_u32(priority_place, self.priority)?;
        }
        memory.write(address, &self.bytes)?;
        Ok(self.bytes.len())
    }
}

/// Whom a queue tells once that it is empty no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notice {
    /// Nobody (SIGEV_NONE): but nobody else can ask to be told.
    Nobody,
    /// The process, by this signal (0: by none) with this value.
    Signal(u32, u64),
}

/// A queue.
pub struct Queue {
    /// How many messages it holds, and of how many bytes each may be.
    most_messages: u64,
    most_bytes: u64,
    /// The next one first.
    messages: Cell<VecDeque<Message>>,
    notice: Cell<Option<Notice>>,
    /// The real user whose it is, by RLIMIT_MSGQUEUE.
    pub user: u32,
    inode: OwnInode,
    has_name: Cell<bool>,
    times: Cell<Times>,
    start_time_ns: i64,
    /// How often Linux wakes those who poll.
    wakes: Cell<u64>,
}

impl Queue {
    /// An empty queue of `user` for so many messages of so many bytes, in a run that began `start_time_ns` after the epoch.
    pub fn new(limits: (u64, u64), user: u32, inode: OwnInode, start_time_ns: i64) -> Queue {
        Queue {
            most_messages: limits.0,
            most_bytes: limits.1,
            messages: Cell::default(),
            notice: Cell::new(None),
            user,
            inode,
            has_name: Cell::new(true),
            times: Cell::new(Times::now(start_time_ns)),
            start_time_ns,
            wakes: Cell::new(0),
        }
    }

    /// How many bytes a message may have.
    pub fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// What it counts for RLIMIT_MSGQUEUE.
    pub fn counted_bytes(&self) -> u64 {
        counted_bytes(self.most_messages, self.most_bytes)
    }

    /// What `mq_getsetattr` tells but for the flags.
    pub fn attributes(&self) -> QueueAttributes {
        let [most_messages, most_bytes] = [self.most_messages, self.most_bytes].map(u64::cast_signed);
        QueueAttributes { flags: 0, most_messages, most_bytes, messages: self.count() as i64 }
    }

    /// Works on the messages; `work` must not come back here.
    fn with_messages<R>(&self, work: impl FnOnce(&mut VecDeque<Message>) -> R) -> R {
        let mut messages = self.messages.take();
        let result = work(&mut messages);
        self.messages.set(messages);
        result
    }

    fn count(&self) -> usize {
        self.with_messages(|messages| messages.len())
    }

    /// Whether there is no room for a message.
    pub fn is_full(&self) -> bool {
        self.count() as u64 >= self.most_messages
    }

    /// Puts `message` behind those that are as important.
    ///
    /// # Errors
    /// The message, if the kernel's heap is full.
    pub fn insert(&self, message: Message) -> Result<(), Message> {
        self.with_messages(|messages| {
            if messages.try_reserve(1).is_err() {
                return Err(message);
            }
            let at = messages.partition_point(|other| other.priority >= message.priority);
            messages.insert(at, message);
            Ok(())
        })
    }

    /// Takes out the next message.
    pub fn take(&self) -> Option<Message> {
        self.with_messages(|messages| messages.pop_front())
    }

    /// Those who poll look again.
    pub fn wake(&self) {
        self.wakes.set(self.wakes.get() + 1);
    }

    /// A message was put in where none was waited for; whom to tell that.
    pub fn note_insertion(&self) -> Option<Notice> {
        self.wake();
        if self.count() == 1 { self.notice.take() } else { None }
    }

    /// Whom it tells from now on; EBUSY if that is somebody already.
    pub fn set_notice(&self, notice: Notice) -> Result<(), Errno> {
        if self.notice.get().is_some() {
            return Err(Errno::EBUSY);
        }
        self.notice.set(Some(notice));
        self.note_access();
        Ok(())
    }

    /// It tells nobody; whether it told somebody.
    pub fn forget_notice(&self) -> bool {
        self.notice.take().is_some()
    }

    /// A message was sent or received.
    pub fn note_transfer(&self) {
        self.times.set(Times::now(self.start_time_ns));
    }

    /// Somebody looked at it, or asked to be told.
    pub fn note_access(&self) {
        let now = Times::now(self.start_time_ns);
        self.times.set(Times { modify_ns: self.times.get().modify_ns, ..now });
    }

    /// Its name is gone.
    pub fn lose_name(&self) {
        self.has_name.set(false);
    }

    /// What `fstat` tells.
    pub fn stat(&self) -> Stat {
        let Times { access_ns, modify_ns, change_ns } = self.times.get();
        Stat {
            links: self.has_name.get().into(),
            size_bytes: QUEUE_FILE_BYTES,
            access_time_ns: access_ns,
            modify_time_ns: modify_ns,
            change_time_ns: change_ns,
            ..self.inode.stat(QUEUE_DEVICE, S_IFREG)
        }
    }

    /// What its file says (ipc/mqueue.c, mqueue_read_file).
    fn text(&self) -> [u8; QUEUE_FILE_BYTES as usize] {
        let bytes: usize = self.with_messages(|messages| messages.iter().map(|message| message.bytes.len()).sum());
        let (how, signal, pid) = match self.notice.get() {
            None => (0, 0, 0),
            Some(Notice::Nobody) => (1, 0, PROCESS_ID),
            Some(Notice::Signal(signal, _)) => (0, signal, PROCESS_ID),
        };
        let mut text = [0; QUEUE_FILE_BYTES as usize];
        let mut at = 0;
        let mut put = |piece: &[u8], width: usize| {
            let padding = core::iter::repeat_n(&b' ', width.saturating_sub(piece.len()));
            for &byte in piece.iter().chain(padding) {
                text.get_mut(at).into_iter().for_each(|place| *place = byte);
                at += 1;
            }
        };
        for (name, value, width) in [
            (&b"QSIZE:"[..], bytes as u64, 10),
            (b" NOTIFY:", how, 5),
            (b" SIGNO:", signal.into(), 5),
            (b" NOTIFY_PID:", pid.into(), 6),
        ] {
            put(name, 0);
            let (mut digits, mut first, mut rest) = ([b'0'; 20], 20, value);
            while rest > 0 || first == 20 {
                first -= 1;
                digits[first] += (rest % 10) as u8;
                rest /= 10;
            }
            put(&digits[first..], width);
        }
        put(b"\n", 0);
        text
    }
}

/// What a queue for `messages` messages of `bytes` bytes counts for RLIMIT_MSGQUEUE (ipc/mqueue.c, mqueue_get_inode): each of the
/// 32768 priorities once, as far as there are messages.
pub fn counted_bytes(messages: u64, bytes: u64) -> u64 {
    const HALF: u64 = MESSAGE_OVERHEAD_BYTES / 2;
    let overhead_bytes = messages * HALF + messages.min(PRIORITIES.into()) * HALF;
    messages.saturating_mul(bytes).saturating_add(overhead_bytes)
}

/// What a descriptor of a queue stands for.
pub struct QueueFile {
    /// The queue.
    pub queue: Rc<Queue>,
    /// How often the time of day was set.
    clock_changes: Cell<u64>,
}

impl QueueFile {
    /// A file for `queue`.
    pub fn new(queue: Rc<Queue>) -> QueueFile {
        QueueFile { queue, clock_changes: Cell::new(0) }
    }

    /// How often something happened that moves the end of waits.
    pub fn clock_changes(&self) -> u64 {
        self.clock_changes.get()
    }
}

/// The queue that `open` stands for; EBADF.
pub fn queue_file(open: &OpenFile) -> Result<&QueueFile, Errno> {
    open.file.as_any().and_then(|file| file.downcast_ref()).ok_or(Errno::EBADF)
}

impl File for QueueFile {
    fn operations(&self) -> u32 {
        READS
    }

    fn splices(&self) -> u32 {
        0
    }

    fn read(&self, _platform: &mut dyn Platform, offset: u64, into: &mut [u8]) -> SysResult {
        let text = self.queue.text();
        let len_bytes = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        let rest = text.get(..len_bytes).and_then(|text| text.get(offset as usize..)).unwrap_or_default();
        let read_bytes = into.iter_mut().zip(rest).map(|(into, byte)| *into = *byte).count();
        if read_bytes > 0 {
            self.queue.note_access();
        }
        Ok(read_bytes)
    }

    fn stat(&self) -> Stat {
        self.queue.stat()
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn ready(&self) -> u16 {
        let readable = if self.queue.count() > 0 { POLLIN | POLLRDNORM } else { 0 };
        readable | if self.queue.is_full() { 0 } else { POLLOUT | POLLWRNORM }
    }

    fn activity(&self) -> u64 {
        self.queue.wakes.get()
    }

    fn clock_was_set(&self, _moved_ns: i64) {
        self.clock_changes.set(self.clock_changes.get() + 1);
    }

    fn inode(&self) -> Option<&OwnInode> {
        Some(&self.queue.inode)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakePlatform, TestRandom, rounds, steps};

    fn queue(messages: u64) -> Rc<Queue> {
        Rc::new(Queue::new((messages, 8), 0, OwnInode::new(7), 0))
    }

    fn message(priority: u32, byte: u8) -> Message {
        Message { priority, bytes: vec![byte] }
    }

    /// Against a list in the order of sending.
    #[test]
    fn the_most_important_first_and_equal_ones_in_order() {
        for seed in 0..rounds(50) {
            let (mut random, queue, mut model) = (TestRandom(seed), queue(20), Vec::new());
            for step in 0..steps(300) {
                if random.below(2) == 0 && !queue.is_full() {
                    let (priority, byte) = (random.below(4) as u32, step as u8);
                    assert_eq!(queue.insert(message(priority, byte)), Ok(()));
                    model.push((priority, byte));
                } else {
                    let highest = model.iter().map(|&(priority, _)| priority).max();
                    let next = model.iter().position(|&(priority, _)| Some(priority) == highest);
                    let expected = next.map(|at| model.remove(at));
                    assert_eq!(queue.take().map(|taken| (taken.priority, taken.bytes[0])), expected);
                }
                assert_eq!(queue.attributes().messages, model.len() as i64);
                assert_eq!(queue.is_full(), model.len() == 20);
            }
        }
    }

    /// Else sending many messages would take the square of their number.
    #[test]
    fn equal_ones_move_no_other() {
        let queue = queue(3);
        let first =
            || queue.with_messages(|messages| messages.iter().find(|one| one.bytes == [1]).map(|one| &raw const *one));
        assert_eq!(queue.insert(message(5, 1)), Ok(()));
        let place = first();
        for byte in [2, 3] {
            assert_eq!((queue.insert(message(5, byte)), first()), (Ok(()), place));
        }
        for byte in 1..=3 {
            assert_eq!(queue.take(), Some(message(5, byte)));
        }
    }

    #[test]
    fn tells_once_and_only_of_the_first() {
        let (queue, notice) = (queue(3), Notice::Signal(10, 5));
        assert_eq!((queue.set_notice(notice), queue.set_notice(Notice::Nobody)), (Ok(()), Err(Errno::EBUSY)));
        for expected in [Some(notice), None] {
            assert_eq!(queue.insert(message(0, 1)), Ok(()));
            assert_eq!(queue.note_insertion(), expected);
        }
        assert_eq!(queue.set_notice(notice), Ok(()));
        assert_eq!(queue.insert(message(0, 1)), Ok(()));
        assert_eq!(queue.note_insertion(), None, "it was not empty");
        assert_eq!((queue.forget_notice(), queue.forget_notice()), (true, false));
    }

    #[test]
    fn its_file_says_how_full_it_is() {
        let queue = queue(1);
        let file = QueueFile::new(queue.clone());
        let text = |offset| {
            let mut into = [0; 99];
            let read_bytes = file.read(&mut FakePlatform::new(), offset, &mut into).expect("it can be read");
            String::from_utf8_lossy(&into[..read_bytes]).into_owned()
        };
        assert_eq!(text(0), "QSIZE:0          NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
        assert_eq!((file.ready(), queue.insert(message(0, 1))), (POLLOUT | POLLWRNORM, Ok(())));
        assert_eq!((file.ready(), queue.set_notice(Notice::Signal(10, 0))), (POLLIN | POLLRDNORM, Ok(())));
        assert_eq!(text(0), "QSIZE:1          NOTIFY:0     SIGNO:10    NOTIFY_PID:2     \n");
        assert_eq!((text(57).len(), text(99).len()), (3, 0));
        queue.lose_name();
        assert_eq!((file.stat().mode, file.stat().links, file.stat().size_bytes), (0o100600, 0, 80));
    }
}
