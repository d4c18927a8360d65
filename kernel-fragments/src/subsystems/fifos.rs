//! FIFOs (`fifo(7)`): pipes that have a name. Opening one for reading waits for a writer, and the other way round; what was
//! written and not read is gone with the last end.
//!
//! Kernels without `mknodat` have `no_fifos.rs` in place of this file.

use crate::abi::open_flags::{O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY};
use crate::abi::pollfd::POLLHUP;
use crate::abi::stat::Stat;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::node::Node;
use crate::subsystems::open_file::{File, Peekable};
use crate::subsystems::pipe::{End, Pipe};
use crate::subsystems::watched::Watched;
use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// What opening comes to where Linux would make the caller wait.
pub const OPENING_WAITS: Refusal = Refusal::Unsupported("opening a FIFO that waits for its other end");

/// What a node that is a FIFO has.
#[derive(Default)]
pub struct Fifo {
    /// Its pipe, as long as somebody has it open.
    pipe: Cell<Weak<Pipe>>,
}

/// A thread that opens a FIFO and waits for the other end: its own counts already.
struct Opener {
    tid: u32,
    node: Rc<Node>,
    flags: u32,
    end: Rc<WaitingEnd>,
    /// How many partners had come when the wait began.
    seen: u64,
}

/// The end, as what changes when a partner comes.
struct WaitingEnd(End);

impl Watched for WaitingEnd {
    fn activity(&self) -> u64 {
        if self.0.reads() { self.0.pipe.writers_came() } else { self.0.pipe.readers_came() }
    }

    fn next_change_ns(&self) -> Option<u64> {
        None
    }
}

/// A file, and the flags that it was opened with.
type Opened = (Box<dyn File>, u32);

/// Who opens a file, where the call can wait, and who waits.
#[derive(Default)]
pub struct FifoOpening {
    /// The thread.
    pub caller: Option<u32>,
    openers: Vec<Opener>,
}

impl FifoOpening {
    /// Nobody does.
    pub const fn new() -> FifoOpening {
        FifoOpening { caller: None, openers: Vec::new() }
    }

    /// Closes the ends of all threads for which `waits` does not hold: they were interrupted.
    pub fn retain(&mut self, mut waits: impl FnMut(u32) -> bool) {
        self.openers.retain(|opener| waits(opener.tid));
    }

    /// What thread `tid` waits for.
    pub fn awaited(&self, tid: u32) -> Option<Weak<dyn Watched>> {
        let weak: Weak<WaitingEnd> = Rc::downgrade(&self.openers.iter().find(|opener| opener.tid == tid)?.end);
        Some(weak)
    }

    /// The file, whatever its path means by now, and the flags that thread `tid` waited with; `None` if it did not wait.
    ///
    /// # Errors
    /// [`OPENING_WAITS`]: nobody came.
    pub fn finish(&mut self, tid: u32) -> Option<Result<Opened, Refusal>> {
        let index = self.openers.iter().position(|opener| opener.tid == tid)?;
        if self.openers.get(index).is_some_and(|opener| opener.end.activity() == opener.seen) {
            return Some(Err(OPENING_WAITS));
        }
        let Opener { node, flags, end, .. } = self.openers.remove(index);
        Some(Ok((Box::new(FifoEnd { end, node, quiet_until: None }), flags)))
    }
}

impl Fifo {
    /// Opens it, `node`, with `flags`.
    ///
    /// # Errors
    /// ENXIO, EINVAL. [`OPENING_WAITS`]: `opening` says for what, if it knows a caller.
    pub fn open(&self, opening: &mut FifoOpening, node: Rc<Node>, flags: u32) -> Result<Box<dyn File>, Refusal> {
        let (reads, writes) = match flags & O_ACCMODE {
            O_RDONLY => (true, false),
            O_WRONLY => (false, true),
            O_RDWR => (true, true),
            _ => return Err(Errno::EINVAL.into()),
        };
        let pipe = self.pipe.take().upgrade().unwrap_or_else(Pipe::new);
        self.pipe.set(Rc::downgrade(&pipe));
        let is_alone = if reads { !writes && !pipe.has_writer() } else { !pipe.has_reader() };
        let waits = flags & O_NONBLOCK == 0;
        if is_alone && !reads && !waits {
            return Err(Errno::ENXIO.into());
        }
        let end = Rc::new(WaitingEnd(End::new(pipe, reads, writes)));
        let seen = end.activity();
        if is_alone && waits {
            if let Some(tid) = opening.caller {
                opening.openers.push(Opener { tid, node, flags, end, seen });
            }
            return Err(OPENING_WAITS);
        }
        // Nobody hung up before the first writer came.
        Ok(Box::new(FifoEnd { end, node, quiet_until: is_alone.then_some(seen) }))
    }
}

/// An open FIFO.
struct FifoEnd {
    end: Rc<WaitingEnd>,
    node: Rc<Node>,
    /// As long as no more writers came, the lack of one is not told.
    quiet_until: Option<u64>,
}

impl File for FifoEnd {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        self.end.0.pipe.read(into).inspect(|&read_bytes| {
            if read_bytes > 0 {
                self.node.note_read();
            }
        })
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        self.end.0.pipe.write(from).inspect(|&written_bytes| {
            if written_bytes > 0 {
                self.node.note_write();
            }
        })
    }

    fn stat(&self) -> Stat {
        self.node.stat()
    }

    fn ready(&self) -> u16 {
        let is_quiet = self.quiet_until == Some(self.end.0.pipe.writers_came());
        self.end.0.ready() & if is_quiet { !POLLHUP } else { !0 }
    }

    fn activity(&self) -> u64 {
        self.end.0.pipe.activity()
    }

    fn edges(&self) -> [u64; 2] {
        self.end.0.pipe.edges()
    }

    fn pipe_bytes(&self, wanted_bytes: Option<u32>) -> SysResult {
        self.end.0.pipe.holds_bytes(wanted_bytes)
    }

    fn readable_bytes(&self) -> Option<usize> {
        Some(self.end.0.pipe.unread_bytes())
    }

    fn peekable(&self) -> Option<&dyn Peekable> {
        Some(&*self.end.0.pipe)
    }

    fn node(&self) -> Option<&Rc<Node>> {
        Some(&self.node)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::pollfd::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
    use crate::subsystems::file_tree::FileTree;
    use crate::subsystems::node::Kind;
    use crate::testing::FakePlatform;

    struct Sample {
        node: Rc<Node>,
        opening: FifoOpening,
    }

    impl Sample {
        fn new() -> Sample {
            let node = FileTree::new().new_node(Kind::Fifo(Fifo::default()), 0o644);
            Sample { node, opening: FifoOpening::new() }
        }

        fn open(&mut self, flags: u32) -> Result<Box<dyn File>, Refusal> {
            let Kind::Fifo(fifo) = &self.node.kind else { panic!("it is one") };
            fifo.open(&mut self.opening, self.node.clone(), flags)
        }

        fn open_by(&mut self, tid: u32, flags: u32) -> Result<Box<dyn File>, Refusal> {
            self.opening.caller = Some(tid);
            self.open(flags)
        }

        fn finish(&mut self, tid: u32) -> Option<Result<u16, Refusal>> {
            self.opening.finish(tid).map(|result| result.map(|(file, _)| file.ready()))
        }
    }

    #[test]
    fn nobody_waits_who_must_not() {
        let mut fifo = Sample::new();
        assert_eq!(fifo.open(O_WRONLY | O_NONBLOCK).err(), Some(Errno::ENXIO.into()));
        assert_eq!(fifo.open(O_ACCMODE).err(), Some(Errno::EINVAL.into()));
        assert_eq!(fifo.open(O_RDONLY).err(), Some(OPENING_WAITS));
        assert_eq!(fifo.open(O_WRONLY | O_NONBLOCK).err(), Some(Errno::ENXIO.into()), "that one is gone");
        let mut platform = FakePlatform::new();
        let reader = fifo.open(O_RDONLY | O_NONBLOCK).expect("it need not wait");
        assert_eq!((reader.ready(), reader.read(&mut platform, 0, &mut [0; 4])), (0, Ok(0)));
        let writer = fifo.open(O_WRONLY).expect("there is a reader");
        assert_eq!(writer.write(&mut platform, 0, b"abc"), Ok(3));
        drop(writer);
        assert_eq!(reader.ready(), POLLIN | POLLRDNORM | POLLHUP);
        drop(reader);
        let both = fifo.open(O_RDWR).expect("it never waits");
        assert_eq!(both.ready(), POLLOUT | POLLWRNORM, "what was not read is gone");
        assert_eq!(both.stat().mode, 0o10644);
    }

    #[test]
    fn partners_meet() {
        let mut fifo = Sample::new();
        assert_eq!(fifo.open_by(2, O_RDONLY).err(), Some(OPENING_WAITS));
        let awaited = fifo.opening.awaited(2).expect("a partner");
        let before = awaited.upgrade().expect("it waits").activity();
        assert_eq!((fifo.finish(2), fifo.finish(3)), (Some(Err(OPENING_WAITS)), None), "nobody came");
        let writer = fifo.open_by(3, O_WRONLY).expect("the reader is there");
        assert!(awaited.upgrade().is_some_and(|end| end.activity() > before));
        drop(writer);
        assert_eq!(fifo.finish(2), Some(Ok(POLLHUP)), "somebody came, and went");
        assert_eq!(fifo.finish(2), None);
    }

    /// Its end does not stay open.
    #[test]
    fn who_was_interrupted_is_forgotten() {
        let mut fifo = Sample::new();
        assert_eq!(fifo.open_by(2, O_RDONLY).err(), Some(OPENING_WAITS));
        assert!(fifo.open_by(3, O_WRONLY | O_NONBLOCK).is_ok(), "it waits");
        fifo.opening.retain(|tid| tid != 2);
        assert_eq!(fifo.open_by(3, O_WRONLY | O_NONBLOCK).err(), Some(Errno::ENXIO.into()));
    }
}
