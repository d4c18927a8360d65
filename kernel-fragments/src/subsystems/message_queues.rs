//! All POSIX message queues, by name, and the threads that wait to send or to receive. As on Linux a message goes straight to who
//! waits for it, and room straight to who waits to send: the thread that brings it ends the other one's call
//! (ipc/mqueue.c, pipelined_send and pipelined_receive).
//!
//! Kernels whose program makes no call about them have `no_message_queues.rs` in place of this file.

use crate::abi::capability::CAP_SYS_RESOURCE;
use crate::abi::message_queue::{
    DEFAULT_MESSAGE_BYTES, DEFAULT_MESSAGES, MOST_MESSAGE_BYTES, MOST_MESSAGES, MOST_QUEUES, QueueAttributes,
};
use crate::abi::timespec::read_timespec;
use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::outcome::Leave;
use crate::register::Fd;
use crate::report::errno_value;
use crate::subsystems::clock::{Clock, ClockKind};
use crate::subsystems::credentials::caller_has;
use crate::subsystems::message_queue::{Message, Queue, counted_bytes, queue_file};
use crate::subsystems::open_file::OpenFile;
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::threads::Threads;
use crate::subsystems::watched::Watched;
use crate::thread::{A0, ECALL_BYTES, PC, Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;

/// The longest name (NAME_MAX).
const MOST_NAME_BYTES: usize = 255;

/// What a thread waits for.
pub enum Wanted {
    /// A message, to be stored at the first address, and its priority at the second.
    Message(UserAddress, UserAddress),
    /// Room for this one.
    Room(Cell<Message>),
}

/// A thread that waits at a queue.
pub struct Waiter {
    tid: u32,
    /// Its priority when it began to wait.
    importance: u32,
    /// What it waits by; open for as long, even if its descriptor is closed.
    pub open: Rc<OpenFile>,
    /// What it waits for.
    pub wanted: Wanted,
    /// Until which time of day, in nanoseconds since the Unix epoch: what its call was given when it began to wait.
    end_ns: Option<u64>,
}

impl Waiter {
    /// `thread`, which is to wait by `open`, until `end_ns`.
    pub fn new(thread: &Thread, open: Rc<OpenFile>, wanted: Wanted, end_ns: Option<u64>) -> Rc<Waiter> {
        Rc::new(Waiter { tid: thread.tid, importance: thread.scheduling.priority(), open, wanted, end_ns })
    }
}

impl Watched for Waiter {
    fn activity(&self) -> u64 {
        queue_file(&self.open).map_or(0, |file| file.clock_changes())
    }

    fn next_change_ns(&self) -> Option<u64> {
        None
    }
}

/// All queues, and all who wait.
pub struct MessageQueues {
    names: Vec<(Vec<u8>, Rc<Queue>)>,
    /// Those without a name, too.
    all: Vec<Weak<Queue>>,
    /// The most important ones first, equal ones as they came. The scheduler knows of each until it wakes it.
    waiters: Vec<Rc<Waiter>>,
}

impl MessageQueues {
    /// None.
    pub const fn new() -> MessageQueues {
        MessageQueues { names: Vec::new(), all: Vec::new(), waiters: Vec::new() }
    }

    /// The queue that is called `name`.
    pub fn find(&self, name: &[u8]) -> Option<&Rc<Queue>> {
        self.names.iter().find(|(other, _)| other == name).map(|(_, queue)| queue)
    }

    /// Makes the queue `name` of `user`, who may have `limit_bytes` bytes of them (RLIMIT_MSGQUEUE).
    ///
    /// # Errors
    /// ENOSPC: too many; EINVAL: not with these attributes; EMFILE: more than that limit; ENOMEM if the kernel's heap is full.
    pub fn create(
        &mut self,
        threads: &mut Threads,
        boot: &BootInfo,
        name: &[u8],
        attributes: Option<QueueAttributes>,
        user: u32,
        limit_bytes: u64,
        inode: OwnInode,
    ) -> Result<Rc<Queue>, Errno> {
        // Nor do those keep a queue who were interrupted.
        self.waiters.retain(|waiter| still_waits(threads, waiter));
        self.all.retain(|queue| queue.strong_count() > 0);
        let may_have_more = caller_has(CAP_SYS_RESOURCE);
        if self.all.len() >= MOST_QUEUES && !may_have_more {
            return Err(Errno::ENOSPC);
        }
        let (messages, bytes) = match attributes {
            None => (DEFAULT_MESSAGES, DEFAULT_MESSAGE_BYTES),
            // Negative numbers are too large.
            Some(given) => (given.most_messages.cast_unsigned(), given.most_bytes.cast_unsigned()),
        };
        let (most_messages, most_bytes) = match may_have_more {
            true => (MOST_MESSAGES, MOST_MESSAGE_BYTES),
            false => (DEFAULT_MESSAGES, DEFAULT_MESSAGE_BYTES),
        };
        if !(1..=most_messages).contains(&messages) || !(1..=most_bytes).contains(&bytes) {
            return Err(Errno::EINVAL);
        }
        let others = self.all.iter().filter_map(Weak::upgrade).filter(|queue| queue.user == user);
        let counted: u64 = others.map(|queue| queue.counted_bytes()).sum();
        if counted.saturating_add(counted_bytes(messages, bytes)) > limit_bytes {
            return Err(Errno::EMFILE);
        }
        let mut own_name = Vec::new();
        let room = own_name.try_reserve_exact(name.len()).and(self.names.try_reserve(1)).and(self.all.try_reserve(1));
        room.map_err(|_| Errno::ENOMEM)?;
        own_name.extend_from_slice(name);
        let queue = Rc::new(Queue::new((messages, bytes), user, inode, boot.start_time_ns.cast_signed()));
        self.all.push(Rc::downgrade(&queue));
        self.names.push((own_name, queue.clone()));
        Ok(queue)
    }

    /// Takes `queue` its name, if it has one.
    pub fn unlink(&mut self, queue: &Rc<Queue>) {
        queue.lose_name();
        self.names.retain(|(_, other)| !Rc::ptr_eq(other, queue));
    }

    /// Who `thread` is among those who wait, if its call waited before (`unfinished`): forgets those who were interrupted.
    pub fn resume(&mut self, threads: &mut Threads, thread: &Thread, unfinished: Unfinished) -> Option<Rc<Waiter>> {
        let is_own = |waiter: &Waiter| unfinished.waits_at_queue && waiter.tid == thread.tid;
        self.waiters.retain(|waiter| still_waits(threads, waiter) || is_own(waiter));
        self.waiters.iter().find(|waiter| is_own(waiter)).cloned()
    }

    /// `waiter` waits no more.
    pub fn forget(&mut self, waiter: &Rc<Waiter>) {
        self.waiters.retain(|other| !Rc::ptr_eq(other, waiter));
    }

    /// `thread` waits as `waiter`, where it is unless it is new, until it gets what it wants, at most until `deadline_ns` after
    /// boot; its call is for `fd`.
    ///
    /// # Errors
    /// ENOMEM if the kernel's heap is full.
    pub fn wait(
        &mut self,
        threads: &mut Threads,
        thread: &mut Thread,
        fd: Fd,
        waiter: &Rc<Waiter>,
        deadline_ns: Option<u64>,
    ) -> Result<Leave, Errno> {
        if !self.waiters.iter().any(|other| Rc::ptr_eq(other, waiter)) {
            self.waiters.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            let at = self.waiters.partition_point(|other| other.importance >= waiter.importance);
            self.waiters.insert(at, waiter.clone());
        }
        let unfinished = Unfinished { restarts: true, waits_at_queue: true, deadline_ns, ..Unfinished::NONE };
        let weak: Weak<Waiter> = Rc::downgrade(waiter);
        let watched: Weak<dyn Watched> = weak;
        Ok(threads.wait_for_event(thread, fd.0 as u64, core::iter::once(watched), unfinished))
    }

    /// Takes out who is to get a message of `queue`, or room in it.
    fn take(&mut self, threads: &mut Threads, queue: &Rc<Queue>, fits: impl Fn(&Wanted) -> bool) -> Option<Rc<Waiter>> {
        let is_meant = |waiter: &Rc<Waiter>| {
            let is_there = queue_file(&waiter.open).is_ok_and(|file| Rc::ptr_eq(&file.queue, queue));
            is_there && fits(&waiter.wanted) && still_waits(threads, waiter)
        };
        let at = self.waiters.iter().position(is_meant)?;
        Some(self.waiters.remove(at))
    }

    /// Gives `message`, which is sent to `queue`, to who waits for it; returns it if nobody does.
    pub fn hand_over(
        &mut self,
        memory: &mut impl UserMemory,
        threads: &mut Threads,
        queue: &Rc<Queue>,
        message: Message,
    ) -> Option<Message> {
        let Some(waiter) = self.take(threads, queue, |wanted| matches!(wanted, Wanted::Message(..))) else {
            return Some(message);
        };
        if let Wanted::Message(address, priority_place) = waiter.wanted {
            let result = message.store(memory, address, priority_place);
            end_call(threads, waiter.tid, result.map_or_else(errno_value, |len_bytes| len_bytes as u64));
        }
        None
    }

    /// Lets who waits to send to `queue`, in which there is room now, do that; who polls learns of the room if nobody does.
    pub fn admit(&mut self, threads: &mut Threads, queue: &Rc<Queue>) {
        let Some(waiter) = self.take(threads, queue, |wanted| matches!(wanted, Wanted::Room(_))) else {
            return queue.wake();
        };
        if let Wanted::Room(message) = &waiter.wanted
            && queue.insert(message.take()).is_ok()
        // as one was just taken out
        {
            end_call(threads, waiter.tid, 0);
        }
    }
}

/// Whether nothing ended the call of `waiter`: the scheduler still knows of it, or woke its thread, which did not run since.
fn still_waits(threads: &mut Threads, waiter: &Rc<Waiter>) -> bool {
    Rc::weak_count(waiter) > 0 || threads.find(waiter.tid).is_some_and(|thread| thread.unfinished.waits_at_queue)
}

/// The call in which thread `tid` waits ends with `value`, whatever signals come from now on.
fn end_call(threads: &mut Threads, tid: u32, value: u64) {
    let Some(thread) = threads.find(tid) else { return };
    thread.resume_call();
    let frame = &mut thread.frame;
    frame.go_on_at(frame.x[PC].wrapping_add(ECALL_BYTES));
    frame.x[A0] = value;
    threads.wake_thread(tid);
}

/// Whether something can be called `name`, as `lookup_one_len` of Linux says it, which knows no paths.
///
/// # Errors
/// EACCES, ENAMETOOLONG.
pub fn check_name(name: &[u8]) -> Result<(), Errno> {
    if name == b"." || name == b".." || name.contains(&b'/') {
        return Err(Errno::EACCES);
    }
    if name.len() > MOST_NAME_BYTES { Err(Errno::ENAMETOOLONG) } else { Ok(()) }
}

/// Until which time of day a call waits: that of `waiter`, if it waited before, else that at `timeout`; for ever if that is null.
///
/// # Errors
/// EFAULT, EINVAL.
pub fn read_end(memory: &impl UserMemory, waiter: Option<&Waiter>, timeout: UserAddress) -> Result<Option<u64>, Errno> {
    match waiter {
        Some(waiter) => Ok(waiter.end_ns),
        None if timeout.is_null() => Ok(None),
        None => read_timespec(memory, timeout).map(Some),
    }
}

/// When it is `end_ns`, as the time of day is set now, in nanoseconds since boot.
pub fn deadline_of(clock: &Clock, boot: &BootInfo, end_ns: Option<u64>) -> Option<u64> {
    end_ns.map(|end_ns| clock.since_boot_ns(boot, ClockKind::Realtime, end_ns))
}

/// A descriptor of `open` was closed: its queue, if it is one, tells nobody any more (ipc/mqueue.c, mqueue_flush_file; fs/open.c,
/// do_dentry_open: not if it only stands for a path).
#[inline]
pub fn note_closing(open: &OpenFile) {
    if !open.is_path_only()
        && let Ok(file) = queue_file(open)
    {
        file.queue.forget_notice();
    }
}

/// Whether `open` stands for a queue: a regular file that has nothing of one but a text to read.
pub fn is_queue(open: &OpenFile) -> bool {
    queue_file(open).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::acting::act_without_capabilities;

    fn create(queues: &mut MessageQueues, name: &[u8], size: Option<(i64, i64)>) -> Result<Rc<Queue>, Errno> {
        let attributes = size.map(|(most_messages, most_bytes)| QueueAttributes {
            flags: 0,
            most_messages,
            most_bytes,
            messages: 0,
        });
        queues.create(&mut Threads::new(), &BootInfo::default(), name, attributes, 0, 819_200, OwnInode::new(4))
    }

    #[test]
    fn which_attributes_there_can_be() {
        let mut queues = MessageQueues::new();
        for (messages, bytes, expected) in [
            (0, 1, Err(Errno::EINVAL)),
            (1, 0, Err(Errno::EINVAL)),
            (-1, 1, Err(Errno::EINVAL)),
            (1, i64::MIN, Err(Errno::EINVAL)),
            (65537, 1, Err(Errno::EINVAL)),
            (1, (16 << 20) + 1, Err(Errno::EINVAL)),
            (1, 16 << 20, Err(Errno::EMFILE)),
            (65536, 1, Err(Errno::EMFILE)),
            (1, 819_200 - 96, Ok(())),
            (1, 819_200 - 95, Err(Errno::EMFILE)),
            (11, 8193, Ok(())),
        ] {
            let created = create(&mut queues, b"a", Some((messages, bytes)));
            assert_eq!(created.as_ref().map(|_| ()).map_err(|&errno| errno), expected, "{messages} {bytes}");
            created.iter().for_each(|queue| queues.unlink(queue));
        }
        act_without_capabilities();
        for (messages, bytes, expected) in
            [(10, 8192, None), (11, 1, Some(Errno::EINVAL)), (1, 8193, Some(Errno::EINVAL))]
        {
            assert_eq!(create(&mut queues, b"a", Some((messages, bytes))).err(), expected, "{messages} {bytes}");
        }
    }

    /// What counts is what is open, not what has a name.
    #[test]
    fn how_many_there_can_be() {
        let mut queues = MessageQueues::new();
        let mut open: Vec<_> = (b'a'..b'j').map(|name| create(&mut queues, &[name], None).expect("room")).collect();
        assert_eq!(create(&mut queues, b"x", None).err(), Some(Errno::EMFILE));
        queues.unlink(&open[0]);
        assert_eq!(create(&mut queues, b"x", None).err(), Some(Errno::EMFILE));
        open.remove(0);
        assert!(create(&mut queues, b"x", None).is_ok() && queues.find(b"a").is_none() && queues.find(b"b").is_some());
    }

    /// Only who may go beyond limits can make more than 256.
    #[test]
    fn the_number_of_queues() {
        let mut queues = MessageQueues::new();
        for number in 0..256u16 {
            assert!(create(&mut queues, &number.to_le_bytes(), Some((1, 1))).is_ok());
        }
        act_without_capabilities();
        assert_eq!(create(&mut queues, b"x", Some((0, 1))).err(), Some(Errno::ENOSPC));
        let queue = queues.find(&[7, 0]).expect("it is there").clone();
        queues.unlink(&queue);
        drop(queue);
        assert_eq!(create(&mut queues, b"x", Some((0, 1))).err(), Some(Errno::EINVAL));
    }

    #[test]
    fn names() {
        for (name, expected) in [
            (&b"a.b"[..], Ok(())),
            (b".", Err(Errno::EACCES)),
            (b"..", Err(Errno::EACCES)),
            (b"/a", Err(Errno::EACCES)),
            (b"a/", Err(Errno::EACCES)),
            (&[b'a'; 255], Ok(())),
            (&[b'a'; 256], Err(Errno::ENAMETOOLONG)),
        ] {
            assert_eq!(check_name(name), expected);
        }
    }
}
