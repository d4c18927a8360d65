//! Pipes (`pipe(7)`): what is written at one end is read at the other. Bytes lie in up to 16 pages as in Linux
//! (fs/pipe.c), so that a pipe is full after the same writes: a write joins the last page only if all of what does not
//! fill pages of its own still fits there.

use crate::abi::open_flags::{O_ACCMODE, O_RDONLY, O_RDWR, O_WRONLY};
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::{S_IFIFO, Stat};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::File;
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::standard_streams::PIPE_DEVICE;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// Pages of a pipe.
const PAGES: usize = 16;
/// Bytes of a page; a write of at most this many is never split (PIPE_BUF).
const PAGE_BYTES: usize = 4096;

/// What its ends share.
pub struct Pipe {
    pages: Cell<VecDeque<Page>>,
    /// How many ends there are to read from, and to write to.
    readers: Cell<u32>,
    writers: Cell<u32>,
    /// How often such an end was opened.
    readers_came: Cell<u64>,
    writers_came: Cell<u64>,
    activity: Cell<u64>,
}

/// A page in use: what was written to it, and how much of that was read.
struct Page {
    bytes: Vec<u8>,
    read_bytes: usize,
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
            activity: Cell::new(0),
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
        self.activity.get()
    }

    /// Works on the pages; `work` must not come back here.
    fn with_pages<R>(&self, work: impl FnOnce(&mut VecDeque<Page>) -> R) -> R {
        let mut pages = self.pages.take();
        let result = work(&mut pages);
        self.pages.set(pages);
        result
    }

    fn note_activity(&self) {
        self.activity.set(self.activity.get() + 1);
    }

    /// How many bytes can be read.
    pub fn unread_bytes(&self) -> usize {
        self.with_pages(|pages| pages.iter().map(|page| page.bytes.len() - page.read_bytes).sum())
    }

    /// Reads to `into`; 0 if nobody writes any more.
    ///
    /// # Errors
    /// EAGAIN where Linux would wait.
    pub fn read(&self, into: &mut [u8]) -> SysResult {
        if into.is_empty() {
            return Ok(0);
        }
        let done = self.with_pages(|pages| {
            let mut done = 0;
            while let (Some(page), Some(space)) =
                (pages.front_mut(), into.get_mut(done..).filter(|space| !space.is_empty()))
            {
                let unread = page.bytes.get(page.read_bytes..).unwrap_or_default();
                let len_bytes = unread.len().min(space.len());
                if let (Some(space), Some(unread)) = (space.get_mut(..len_bytes), unread.get(..len_bytes)) {
                    space.copy_from_slice(unread);
                }
                done += len_bytes;
                page.read_bytes += len_bytes;
                if page.read_bytes == page.bytes.len() {
                    pages.pop_front();
                }
            }
            done
        });
        match done {
            0 if self.has_writer() => Err(Errno::EAGAIN.into()),
            0 => Ok(0),
            _ => {
                self.note_activity();
                Ok(done)
            }
        }
    }

    /// Writes as much of `from` as there is room for.
    ///
    /// # Errors
    /// EPIPE if nobody reads; EAGAIN where Linux would wait.
    pub fn write(&self, from: &[u8]) -> SysResult {
        if from.is_empty() {
            return Ok(0);
        }
        if !self.has_reader() {
            return Err(Errno::EPIPE.into());
        }
        let done = self.with_pages(|pages| {
            let mut rest = from;
            if let (Some(last), Some((odd, whole_pages))) =
                (pages.back_mut(), from.split_at_checked(from.len() % PAGE_BYTES))
                && last.bytes.len() + odd.len() <= PAGE_BYTES
            {
                last.bytes.extend_from_slice(odd);
                rest = whole_pages;
            }
            while !rest.is_empty() && pages.len() < PAGES {
                let (bytes, behind) = rest.split_at_checked(PAGE_BYTES).unwrap_or((rest, &[]));
                pages.push_back(Page { bytes: bytes.to_vec(), read_bytes: 0 });
                rest = behind;
            }
            from.len() - rest.len()
        });
        if done == 0 {
            return Err(Errno::EAGAIN.into());
        }
        self.note_activity();
        Ok(done)
    }
}

impl End {
    /// A new end of `pipe`.
    pub fn new(pipe: Rc<Pipe>, reads: bool, writes: bool) -> End {
        let count = |ends: &Cell<u32>, came: &Cell<u64>| {
            ends.set(ends.get() + 1);
            came.set(came.get() + 1);
        };
        if reads {
            count(&pipe.readers, &pipe.readers_came);
        }
        if writes {
            count(&pipe.writers, &pipe.writers_came);
        }
        pipe.note_activity();
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
            let has_room = self.pipe.with_pages(|pages| pages.len()) < PAGES;
            events |= if has_room { POLLOUT | POLLWRNORM } else { 0 };
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
        self.pipe.note_activity();
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

    fn readable_bytes(&self) -> Option<usize> {
        Some(self.end.pipe.unread_bytes())
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
    use crate::testing::{FakePlatform, TestRandom, rounds, steps};

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
