//! Pipes (`pipe(7)`): what is written at one end is read at the other. Bytes lie in up to 16 pages as in Linux
//! (fs/pipe.c), so that a pipe is full after the same writes (`pipe_pages.rs`).

use crate::abi::capability::CAP_SYS_RESOURCE;
use crate::abi::open_flags::{O_ACCMODE, O_RDONLY, O_RDWR, O_WRONLY};
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::{S_IFIFO, Stat};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::credentials::caller_has;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::{File, Peekable};
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::pipe_pages::{PAGE_BYTES, PipePages};
use crate::subsystems::standard_streams::PIPE_DEVICE;
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// Pages of a pipe at first.
const PAGES: usize = 16;
/// What one may hold to whom nothing is permitted (pipe_max_size).
const MOST_UNPRIVILEGED_BYTES: usize = 1 << 20;
/// Linux notes pages in one block of memory: bytes per page, and of the largest block (pipe_resize_ring).
const NOTE_BYTES: usize = 40;
const LARGEST_BLOCK_BYTES: usize = 4 << 20;

/// What its ends share.
pub struct Pipe {
    pages: Cell<PipePages>,
    /// How many ends there are to read from, and to write to.
    readers: Cell<u32>,
    writers: Cell<u32>,
    /// How often such an end was opened.
    readers_came: Cell<u64>,
    writers_came: Cell<u64>,
    /// How many pages it has.
    most_pages: Cell<usize>,
    /// How often it was written; how often it was read, without those times when it got room that way; how often it got
    /// room so; and how often something else happened.
    writes: Cell<u64>,
    reads: Cell<u64>,
    releases: Cell<u64>,
    changes: Cell<u64>,
}

/// What can be done at an end, which counts as long as it lasts.
pub struct End {
    /// The pipe.
    pub pipe: Rc<Pipe>,
    /// It can be read.
    reads: bool,
    /// It can be written.
    writes: bool,
}

impl Pipe {
    /// A pipe without ends.
    pub fn new() -> Rc<Pipe> {
        Rc::new(Pipe {
            pages: Cell::default(),
            readers: Cell::new(0),
            writers: Cell::new(0),
            readers_came: Cell::new(0),
            writers_came: Cell::new(0),
            most_pages: Cell::new(PAGES),
            writes: Cell::new(0),
            reads: Cell::new(0),
            releases: Cell::new(0),
            changes: Cell::new(0),
        })
    }

    /// Whether there is an end to read from.
    pub fn has_reader(&self) -> bool {
        self.readers.get() > 0
    }

    /// Whether there is an end to write to.
    pub fn has_writer(&self) -> bool {
        self.writers.get() > 0
    }

    /// How often an end to read from was opened.
    pub fn readers_came(&self) -> u64 {
        self.readers_came.get()
    }

    /// How often an end to write to was opened.
    pub fn writers_came(&self) -> u64 {
        self.writers_came.get()
    }

    /// How often something happened.
    pub fn activity(&self) -> u64 {
        self.writes.get() + self.reads.get() + self.releases.get() + self.changes.get()
    }

    /// How often Linux wakes readers, and writers: these only when a pipe is full no more (fs/pipe.c, pipe_read).
    pub fn edges(&self) -> [u64; 2] {
        [&self.writes, &self.releases].map(|count| count.get() + self.changes.get())
    }

    /// How many bytes it holds, once it holds at least `wanted_bytes` if that is said (pipe_set_size).
    ///
    /// # Errors
    /// EINVAL or ENOMEM if that is too much, EPERM if it is for the caller; EBUSY if there are more in it than it would hold.
    pub fn holds_bytes(&self, wanted_bytes: Option<u32>) -> SysResult {
        const MOST_BYTES: u32 = 1 << 31;
        if let Some(wanted_bytes) = wanted_bytes {
            if wanted_bytes > MOST_BYTES {
                return Err(Errno::EINVAL.into());
            }
            let pages = (wanted_bytes as usize).max(PAGE_BYTES).next_power_of_two() / PAGE_BYTES;
            let (grows, is_large) = (pages > self.most_pages.get(), pages * PAGE_BYTES > MOST_UNPRIVILEGED_BYTES);
            if grows && is_large && !caller_has(CAP_SYS_RESOURCE) {
                return Err(Errno::EPERM.into());
            }
            if pages * NOTE_BYTES > LARGEST_BLOCK_BYTES {
                return Err(Errno::ENOMEM.into());
            }
            if pages < self.with_pages(|pages| pages.count()) {
                return Err(Errno::EBUSY.into());
            }
            self.most_pages.set(pages);
            count(&self.changes);
        }
        Ok(self.most_pages.get() * PAGE_BYTES)
    }

    fn is_full(&self) -> bool {
        self.with_pages(|pages| pages.count()) >= self.most_pages.get()
    }

    /// Works on the pages; `work` must not come back here.
    fn with_pages<R>(&self, work: impl FnOnce(&mut PipePages) -> R) -> R {
        let mut pages = self.pages.take();
        let result = work(&mut pages);
        self.pages.set(pages);
        result
    }

    /// How many bytes can be read.
    pub fn unread_bytes(&self) -> usize {
        self.with_pages(|pages| pages.unread_bytes())
    }

    /// Reads to `into`; 0 if nobody writes any more.
    ///
    /// # Errors
    /// EAGAIN where Linux would wait.
    pub fn read(&self, into: &mut [u8]) -> SysResult {
        if into.is_empty() {
            return Ok(0);
        }
        let (done, is_released) = self.with_pages(|pages| pages.read(into, self.most_pages.get()));
        match done {
            0 if self.has_writer() => Err(Errno::EAGAIN.into()),
            0 => Ok(0),
            _ => {
                count(if is_released { &self.releases } else { &self.reads });
                Ok(done)
            }
        }
    }

    /// Writes as much of `from` as there is room for.
    ///
    /// # Errors
    /// EPIPE if nobody reads; EAGAIN where Linux would wait; ENOMEM if the kernel's heap is full.
    pub fn write(&self, from: &[u8]) -> SysResult {
        if from.is_empty() {
            return Ok(0);
        }
        if !self.has_reader() {
            return Err(Errno::EPIPE.into());
        }
        let (done, lacks_memory) = self.with_pages(|pages| pages.write(from, self.most_pages.get()));
        if done == 0 {
            return Err(if lacks_memory { Errno::ENOMEM } else { Errno::EAGAIN }.into());
        }
        count(&self.writes);
        Ok(done)
    }
}

impl Peekable for Pipe {
    fn peek(&self, into: &mut [u8]) -> usize {
        self.with_pages(|pages| pages.peek(into))
    }

    fn room_bytes(&self) -> usize {
        self.most_pages.get().saturating_sub(self.with_pages(|pages| pages.count())) * PAGE_BYTES
    }
}

fn count(what: &Cell<u64>) {
    what.set(what.get() + 1);
}

impl End {
    /// A new end of `pipe`.
    pub fn new(pipe: Rc<Pipe>, reads: bool, writes: bool) -> End {
        let come = |ends: &Cell<u32>, came: &Cell<u64>| {
            ends.set(ends.get() + 1);
            count(came);
        };
        if reads {
            come(&pipe.readers, &pipe.readers_came);
        }
        if writes {
            come(&pipe.writers, &pipe.writers_came);
        }
        count(&pipe.changes);
        End { pipe, reads, writes }
    }

    /// Whether it can be read.
    pub fn reads(&self) -> bool {
        self.reads
    }

    /// The events of `poll(2)` that hold now.
    pub fn ready(&self) -> u16 {
        let mut events = 0;
        if self.reads {
            events |= if self.pipe.unread_bytes() > 0 { POLLIN | POLLRDNORM } else { 0 };
            events |= if self.pipe.has_writer() { 0 } else { POLLHUP };
        }
        if self.writes {
            events |= if self.pipe.is_full() { 0 } else { POLLOUT | POLLWRNORM };
            events |= if self.pipe.has_reader() { 0 } else { POLLERR };
        }
        events
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if self.reads {
            self.pipe.readers.set(self.pipe.readers.get().saturating_sub(1));
        }
        if self.writes {
            self.pipe.writers.set(self.pipe.writers.get().saturating_sub(1));
        }
        count(&self.pipe.changes);
    }
}

/// An end of a pipe without a name.
pub struct PipeEnd {
    end: End,
    /// Number and rights, which all ends share.
    inode: Rc<OwnInode>,
}

/// A new pipe: the end to read from, and the end to write to.
pub fn new_pipe(number: u64) -> (PipeEnd, PipeEnd) {
    let (pipe, inode) = (Pipe::new(), Rc::new(OwnInode::new(number)));
    let reader = PipeEnd { end: End::new(pipe.clone(), true, false), inode: inode.clone() };
    (reader, PipeEnd { end: End::new(pipe, false, true), inode })
}

impl File for PipeEnd {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        self.end.pipe.read(into)
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        self.end.pipe.write(from)
    }

    fn stat(&self) -> Stat {
        self.inode.stat(PIPE_DEVICE, S_IFIFO)
    }

    fn ready(&self) -> u16 {
        self.end.ready()
    }

    fn activity(&self) -> u64 {
        self.end.pipe.activity()
    }

    fn edges(&self) -> [u64; 2] {
        self.end.pipe.edges()
    }

    fn pipe_bytes(&self, wanted_bytes: Option<u32>) -> SysResult {
        self.end.pipe.holds_bytes(wanted_bytes)
    }

    fn readable_bytes(&self) -> Option<usize> {
        Some(self.end.pipe.unread_bytes())
    }

    fn peekable(&self) -> Option<&dyn Peekable> {
        Some(&*self.end.pipe)
    }

    fn inode(&self) -> Option<&OwnInode> {
        Some(&self.inode)
    }

    /// Unlike a FIFO it waits for nobody (fs/pipe.c, fifo_open).
    fn open_again(&self, flags: u32) -> Result<Box<dyn File>, Refusal> {
        let (reads, writes) = match flags & O_ACCMODE {
            O_RDONLY => (true, false),
            O_WRONLY => (false, true),
            O_RDWR => (true, true),
            _ => return Err(Errno::EINVAL.into()),
        };
        let end = End::new(self.end.pipe.clone(), reads, writes);
        Ok(Box::new(PipeEnd { end, inode: self.inode.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subsystems::acting::act_without_capabilities;
    use crate::testing::{FakePlatform, TestRandom, rounds, steps};
    use alloc::collections::VecDeque;
    use alloc::vec::Vec;

    fn write(end: &PipeEnd, len_bytes: usize) -> SysResult {
        end.write(&mut FakePlatform::new(), 0, &vec![7; len_bytes])
    }

    fn read(end: &PipeEnd, len_bytes: usize) -> SysResult {
        end.read(&mut FakePlatform::new(), 0, &mut vec![0; len_bytes])
    }

    /// The numbers are those of Linux.
    #[test]
    fn is_full_when_linux_says() {
        // That many writes take Miri minutes.
        let few = usize::from(cfg!(miri));
        for (len_bytes, writes) in [(1, 65536), (3000, 16), (4096, 16)].into_iter().skip(few) {
            let (_reader, writer) = new_pipe(4);
            let count = (0..).take_while(|_| write(&writer, len_bytes) == Ok(len_bytes)).count();
            assert_eq!(count, writes, "{len_bytes}");
        }
        let (reader, writer) = new_pipe(4);
        assert_eq!(read(&reader, 1), Err(Errno::EAGAIN.into()));
        assert_eq!(write(&writer, 70000), Ok(65536));
        assert_eq!((write(&writer, 1), writer.ready()), (Err(Errno::EAGAIN.into()), 0));
        assert_eq!(read(&reader, 4095), Ok(4095));
        assert_eq!((write(&writer, 1), writer.ready()), (Err(Errno::EAGAIN.into()), 0));
        assert_eq!(read(&reader, 1), Ok(1));
        assert_eq!(writer.ready(), POLLOUT | POLLWRNORM);
        assert_eq!(write(&writer, 4097), Ok(4096));
        assert_eq!(write(&writer, 4096), Err(Errno::EAGAIN.into()));
        assert_eq!(read(&reader, 5000), Ok(5000));
        assert_eq!(write(&writer, 4096), Ok(4096));
        assert_eq!(write(&writer, 1), Err(Errno::EAGAIN.into()));
    }

    /// F_SETPIPE_SZ.
    #[test]
    fn holds_more_or_less() {
        let (reader, writer) = new_pipe(4);
        for (wanted, holds) in [(0, 4096), (4097, 8192), (1 << 28, 1 << 28), (8000, 8192)] {
            assert_eq!((reader.pipe_bytes(Some(wanted)), writer.pipe_bytes(None)), (Ok(holds), Ok(holds)));
        }
        for (wanted, errno) in
            [((1 << 31) + 1, Errno::EINVAL), (1 << 31, Errno::ENOMEM), ((1 << 28) + 1, Errno::ENOMEM)]
        {
            assert_eq!(reader.pipe_bytes(Some(wanted)), Err(errno.into()));
        }
        assert_eq!((write(&writer, 9000), writer.ready()), (Ok(8192), 0));
        assert_eq!(writer.pipe_bytes(Some(4096)), Err(Errno::EBUSY.into()));
        let edges = writer.edges();
        assert_eq!((read(&reader, 4096), writer.pipe_bytes(Some(1))), (Ok(4096), Ok(4096)));
        assert_eq!((write(&writer, 1), writer.edges()), (Err(Errno::EAGAIN.into()), [edges[0] + 1, edges[1] + 2]));
    }

    #[test]
    fn who_may_have_it_hold_much() {
        let (reader, _writer) = new_pipe(4);
        assert_eq!(reader.pipe_bytes(Some(4 << 20)), Ok(4 << 20));
        act_without_capabilities();
        assert_eq!(reader.pipe_bytes(Some(8 << 20)), Err(Errno::EPERM.into()));
        assert_eq!(reader.pipe_bytes(Some(2 << 20)), Ok(2 << 20), "it shrinks");
        assert_eq!(reader.pipe_bytes(Some(1 << 31)), Err(Errno::EPERM.into()), "before ENOMEM");
        assert_eq!(new_pipe(5).0.pipe_bytes(Some(1 << 20)), Ok(1 << 20));
    }

    #[test]
    fn an_end_is_opened_again() {
        let (reader, writer) = new_pipe(4);
        let open = |flags| reader.open_again(flags).expect("there is a reader");
        let (second, both) = (open(O_WRONLY), open(O_RDWR));
        assert_eq!(second.write(&mut FakePlatform::new(), 0, b"abc"), Ok(3));
        drop((writer, second));
        assert_eq!(both.ready(), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
        assert_eq!((read(&reader, 9), read(&reader, 9)), (Ok(3), Err(Errno::EAGAIN.into())));
        drop(both);
        assert_eq!(read(&reader, 9), Ok(0));
        assert_eq!(reader.inode().expect("it has one").set_permissions(0o644), Ok(()));
        assert_eq!((reader.stat().mode, reader.stat().inode), (0o10644, 4));
    }

    #[test]
    fn ends_close() {
        let (reader, writer) = new_pipe(4);
        assert_eq!(write(&writer, 1), Ok(1));
        drop(writer);
        assert_eq!(reader.ready(), POLLIN | POLLRDNORM | POLLHUP);
        assert_eq!(read(&reader, 9), Ok(1));
        assert_eq!((read(&reader, 9), reader.ready()), (Ok(0), POLLHUP));
        let (reader, writer) = new_pipe(4);
        drop(reader);
        assert_eq!(write(&writer, 1), Err(Errno::EPIPE.into()));
        assert_eq!(write(&writer, 0), Ok(0));
        assert_eq!(writer.ready(), POLLOUT | POLLWRNORM | POLLERR);
    }

    /// Random reads and writes against a queue of bytes.
    #[test]
    fn bytes_come_out_in_order() {
        for seed in 0..rounds(30) {
            let mut random = TestRandom(seed);
            let (reader, writer) = new_pipe(4);
            let (mut model, mut next) = (VecDeque::new(), 0u8);
            for _ in 0..steps(200) {
                let len_bytes = random.below(if cfg!(miri) { 900 } else { 9000 }) as usize;
                if random.below(2) == 0 {
                    let from: Vec<u8> = (0..len_bytes).map(|index| next.wrapping_add(index as u8)).collect();
                    let done = writer.write(&mut FakePlatform::new(), 0, &from).unwrap_or(0);
                    assert!(done == len_bytes || done == 0 || len_bytes > PAGE_BYTES);
                    model.extend(from[..done].iter());
                    next = next.wrapping_add(done as u8);
                } else {
                    let mut into = vec![0; len_bytes];
                    let done = reader.read(&mut FakePlatform::new(), 0, &mut into).unwrap_or(0);
                    assert_eq!(done, len_bytes.min(model.len()));
                    assert!(into[..done].iter().eq(model.drain(..done).collect::<Vec<u8>>().iter()));
                }
                assert_eq!(reader.readable_bytes(), Some(model.len()));
            }
        }
    }
}
