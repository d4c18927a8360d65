//! Pipes (`pipe(7)`): what is written at one end is read at the other. Bytes lie in up to 16 pages as in Linux
//! (fs/pipe.c), so that a pipe is full after the same writes: a write joins the last page only if all of what does not
//! fill pages of its own still fits there.

use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::{S_IFIFO, Stat};
use crate::errno::{Errno, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::File;
use crate::subsystems::standard_streams::PIPE_DEVICE;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// Pages of a pipe.
const PAGES: usize = 16;
/// Bytes of a page; a write of at most this many is never split (PIPE_BUF).
const PAGE_BYTES: usize = 4096;

/// What the two ends share.
struct Pipe {
    pages: Cell<VecDeque<Page>>,
    has_reader: Cell<bool>,
    has_writer: Cell<bool>,
    activity: Cell<u64>,
    number: u64,
}

/// A page in use: what was written to it, and how much of that was read.
struct Page {
    bytes: Vec<u8>,
    read_bytes: usize,
}

/// The end to read from.
pub struct ReadEnd(Rc<Pipe>);

/// The end to write to.
pub struct WriteEnd(Rc<Pipe>);

/// A new pipe.
pub fn new_pipe(number: u64) -> (ReadEnd, WriteEnd) {
    let pipe = Rc::new(Pipe {
        pages: Cell::default(),
        has_reader: Cell::new(true),
        has_writer: Cell::new(true),
        activity: Cell::new(0),
        number,
    });
    (ReadEnd(pipe.clone()), WriteEnd(pipe))
}

impl Pipe {
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

    fn stat(&self) -> Stat {
        Stat { device: PIPE_DEVICE, inode: self.number, mode: S_IFIFO | 0o600, links: 1, ..Stat::default() }
    }

    fn unread_bytes(&self) -> usize {
        self.with_pages(|pages| pages.iter().map(|page| page.bytes.len() - page.read_bytes).sum())
    }
}

impl File for ReadEnd {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        if into.is_empty() {
            return Ok(0);
        }
        let done = self.0.with_pages(|pages| {
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
            0 if self.0.has_writer.get() => Err(Errno::EAGAIN.into()),
            0 => Ok(0),
            _ => {
                self.0.note_activity();
                Ok(done)
            }
        }
    }

    fn stat(&self) -> Stat {
        self.0.stat()
    }

    fn ready(&self) -> u16 {
        let data = if self.0.unread_bytes() > 0 { POLLIN | POLLRDNORM } else { 0 };
        data | if self.0.has_writer.get() { 0 } else { POLLHUP }
    }

    fn activity(&self) -> u64 {
        self.0.activity.get()
    }

    fn readable_bytes(&self) -> Option<usize> {
        Some(self.0.unread_bytes())
    }
}

impl File for WriteEnd {
    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        if from.is_empty() {
            return Ok(0);
        }
        if !self.0.has_reader.get() {
            return Err(Errno::EPIPE.into());
        }
        let done = self.0.with_pages(|pages| {
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
        self.0.note_activity();
        Ok(done)
    }

    fn stat(&self) -> Stat {
        self.0.stat()
    }

    fn ready(&self) -> u16 {
        let space = if self.0.with_pages(|pages| pages.len()) < PAGES { POLLOUT | POLLWRNORM } else { 0 };
        space | if self.0.has_reader.get() { 0 } else { POLLERR }
    }

    fn activity(&self) -> u64 {
        self.0.activity.get()
    }

    fn readable_bytes(&self) -> Option<usize> {
        Some(self.0.unread_bytes())
    }
}

impl Drop for ReadEnd {
    fn drop(&mut self) {
        self.0.has_reader.set(false);
        self.0.note_activity();
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.0.has_writer.set(false);
        self.0.note_activity();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakePlatform, TestRandom, rounds};

    fn write(end: &WriteEnd, len_bytes: usize) -> SysResult {
        end.write(&mut FakePlatform::new(), 0, &vec![7; len_bytes])
    }

    fn read(end: &ReadEnd, len_bytes: usize) -> SysResult {
        end.read(&mut FakePlatform::new(), 0, &mut vec![0; len_bytes])
    }

    /// The numbers are those of Linux.
    #[test]
    fn is_full_when_linux_says() {
        for (len_bytes, writes) in [(1, 65536), (3000, 16), (4096, 16)] {
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
            for _ in 0..if cfg!(miri) { 20 } else { 200 } {
                let len_bytes = random.below(9000) as usize;
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
