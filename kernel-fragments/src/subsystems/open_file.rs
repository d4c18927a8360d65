//! An open file description (`open(2)`): what several descriptors may share. The kinds of file are types that implement
//! [`File`], each in its own fragment, so that a kernel holds the code of those kinds only that its program can open.

use crate::abi::open_flags::{O_ACCMODE, O_APPEND, O_NONBLOCK, O_PATH};
use crate::abi::pollfd::{POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM};
use crate::abi::stat::Stat;
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::{Platform, Stream};
use crate::subsystems::node::{Contents, Kind, Node};
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::watched::Watched;
use alloc::boxed::Box;
use alloc::rc::Rc;
use core::any::Any;
use core::cell::Cell;

/// What a read or write comes to for which Linux would make the caller wait; calls that can wait look for it.
pub const WOULD_WAIT: Refusal = Refusal::Unsupported("a read or write that waits for another thread");

/// A kind of file can be read.
pub const READS: u32 = 1;
/// A kind of file can be written.
pub const WRITES: u32 = 2;

/// The bit of a description's access that says that its file has positions.
const HAS_POSITIONS: u32 = 4;

/// What can be done with one kind of file. No method ever waits: what would have to is answered by EAGAIN, and the call
/// decides. Files that can be positioned look at `offset`, the others do not.
pub trait File {
    /// Of [`READS`] and [`WRITES`] those that this kind has at all, however it was opened. What it has not is EINVAL, also for
    /// no bytes and at bad addresses.
    fn operations(&self) -> u32 {
        READS | WRITES
    }

    /// Whether so many bytes can be read or written at all ([`READS`] or [`WRITES`]): EINVAL if not, before the buffer is looked at.
    fn takes(&self, _operation: u32, _len_bytes: usize) -> bool {
        true
    }

    /// Of [`READS`] and [`WRITES`] those that `sendfile` can use: Linux has functions of their own for them.
    fn splices(&self) -> u32 {
        self.operations()
    }

    /// Reads to `into` from `offset`; 0 is the end of the file.
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, _into: &mut [u8]) -> SysResult {
        Err(Errno::EINVAL.into())
    }

    /// Writes `from` at `offset`.
    fn write(&self, _platform: &mut dyn Platform, _offset: u64, _from: &[u8]) -> SysResult {
        Err(Errno::EINVAL.into())
    }

    /// What `fstat` tells.
    fn stat(&self) -> Stat;

    /// Whether it has positions: `lseek` and `pread64` work.
    fn is_seekable(&self) -> bool {
        false
    }

    /// The events of `poll(2)` that hold now.
    fn ready(&self) -> u16 {
        POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM
    }

    /// How often something happened that ends a wait for readiness.
    fn activity(&self) -> u64 {
        0
    }

    /// Of that, how often Linux wakes those who wait to read, and to write: what edge-triggered `epoll` goes by.
    fn edges(&self) -> [u64; 2] {
        [self.activity(); 2]
    }

    /// How many bytes a pipe holds, once it holds at least `wanted_bytes` if that is said (F_SETPIPE_SZ).
    ///
    /// # Errors
    /// EBADF if it is no pipe; EINVAL, EBUSY.
    fn pipe_bytes(&self, _wanted_bytes: Option<u32>) -> SysResult {
        Err(Errno::EBADF.into())
    }

    /// It as a pipe that keeps its bytes itself, if it is one.
    fn peekable(&self) -> Option<&dyn Peekable> {
        None
    }

    /// Brings a kind whose readiness changes with time up to `now_ns` nanoseconds since boot.
    fn pass_time(&self, _now_ns: u64) {}

    /// When it becomes ready by itself, in nanoseconds since boot.
    fn next_change_ns(&self) -> Option<u64> {
        None
    }

    /// Whether readiness is something to wait for, as `epoll_ctl` demands.
    fn is_pollable(&self) -> bool {
        true
    }

    /// How many bytes can be read at once (FIONREAD), for kinds that can tell.
    fn readable_bytes(&self) -> Option<usize> {
        None
    }

    /// The file as what it is, for kinds that a call of their own works on.
    fn as_any(&self) -> Option<&dyn Any> {
        None
    }

    /// The node of the file tree that was opened, if it is one.
    fn node(&self) -> Option<&Rc<Node>> {
        None
    }

    /// The file once more, opened with `flags` by a link in `/proc/self/fd`, if it is no node of the tree.
    ///
    /// # Errors
    /// ENXIO for kinds that cannot be opened by a name.
    fn open_again(&self, _flags: u32) -> Result<Box<dyn File>, Refusal> {
        Err(Errno::ENXIO.into())
    }

    /// The time of day was set, `moved_ns` nanoseconds on.
    fn clock_was_set(&self, _moved_ns: i64) {}

    /// Its rights, if it is no node of the tree and has its own.
    fn inode(&self) -> Option<&OwnInode> {
        None
    }

    /// What a link in `/proc/self/fd` calls it, if it is no node of the tree and has no number.
    fn kind_name(&self) -> &'static str {
        ""
    }

    /// The console's stream that writing goes to, and nothing else is to be done, if it is one.
    fn stream(&self) -> Option<Stream> {
        None
    }
}

/// What can be seen of a pipe's bytes before any is moved.
pub trait Peekable {
    /// Copies what is read next to `into`, and leaves it there; returns how many bytes that were.
    fn peek(&self, into: &mut [u8]) -> usize;

    /// How many bytes one write has room for.
    fn room_bytes(&self) -> usize;
}

/// One open file description.
pub struct OpenFile {
    /// The file.
    pub file: Box<dyn File>,
    /// The position of the next read or write.
    pub offset: Cell<u64>,
    /// Access mode and status flags, as `fcntl(F_GETFL)` returns them.
    pub flags: Cell<u32>,
    /// Bit 0: it can be read; bit 1: it can be written; bit 2: it has positions. Never changes.
    access: u32,
    /// The node behind `file`, if it is one: regular files are read and written without asking `file` what it is.
    node: Option<Rc<Node>>,
    /// The stream behind `file`, if it is one: then it is written without asking.
    pub stream: Option<Stream>,
}

impl OpenFile {
    /// A description of `file`, positioned at its start.
    pub fn new(file: Box<dyn File>, flags: u32) -> Rc<OpenFile> {
        // O_RDONLY, O_WRONLY, O_RDWR are 0, 1, 2: one more, and each bit stands for one direction. 3 allows neither.
        let access = if flags & O_PATH != 0 { 0 } else { (flags & O_ACCMODE) + 1 };
        let access = if file.is_seekable() { access | HAS_POSITIONS } else { access };
        let (node, stream) = (file.node().cloned(), file.stream());
        Rc::new(OpenFile { file, offset: Cell::new(0), flags: Cell::new(flags), access, node, stream })
    }

    /// What follows `offset` in a regular file of the image to which nobody wrote; `None` for every other file, and behind
    /// its end.
    #[inline]
    pub fn committed_from(&self, offset: u64) -> Option<&'static [u8]> {
        self.regular()?.1.committed_from(offset)
    }

    /// The node and its contents, if it is a regular file.
    #[inline]
    pub fn regular(&self) -> Option<(&Node, &Contents)> {
        match self.node.as_deref() {
            Some(node @ Node { kind: Kind::Regular(contents), .. }) => Some((node, contents)),
            _ => None,
        }
    }

    /// Whether it was opened only to name a file (O_PATH): hardly anything can be done with it.
    pub fn is_path_only(&self) -> bool {
        self.flags.get() & O_PATH != 0
    }

    /// Whether it was opened for reading.
    pub fn is_readable(&self) -> bool {
        self.access & 1 != 0
    }

    /// Whether it was opened for writing.
    pub fn is_writable(&self) -> bool {
        self.access & 2 != 0
    }

    /// Whether it has positions: `lseek` and `pread64` work.
    pub fn is_seekable(&self) -> bool {
        self.access & HAS_POSITIONS != 0
    }

    /// Whether calls on it must not wait.
    pub fn is_nonblocking(&self) -> bool {
        self.flags.get() & O_NONBLOCK != 0
    }

    /// The answer to a read or write of which `result` came, in a kernel where no call can wait.
    ///
    /// # Errors
    /// Unsupported where Linux would make the caller wait: until there is something, or room for all of `len_bytes`.
    #[inline]
    pub fn without_waiting(&self, result: SysResult, len_bytes: usize) -> SysResult {
        match result {
            Ok(done) if done >= len_bytes => Ok(done),
            result => self.judge(result),
        }
    }

    /// Whether an error or a write that was not finished is to be the answer.
    #[cold]
    fn judge(&self, result: SysResult) -> SysResult {
        match result {
            Err(Refusal::Errno(Errno::EPIPE)) => {
                Err(Refusal::Unsupported("SIGPIPE: writing to a pipe that nobody reads"))
            }
            Ok(_) if self.is_seekable() || self.is_nonblocking() => result,
            Err(Refusal::Errno(Errno::EAGAIN)) if self.is_nonblocking() => result,
            Ok(_) | Err(Refusal::Errno(Errno::EAGAIN)) => Err(WOULD_WAIT),
            Err(_) => result,
        }
    }

    /// Where a write that is meant for `offset` goes: the end, if the file was opened for appending.
    pub fn write_offset(&self, offset: u64) -> u64 {
        if self.flags.get() & O_APPEND != 0 && self.is_seekable() { self.file.stat().size_bytes } else { offset }
    }
}

/// As [`check_kind`], for so many bytes: what is seen before the buffer is.
///
/// # Errors
/// EINVAL.
#[cold]
pub fn check_operation(open: &OpenFile, operation: u32, len_bytes: usize) -> Result<(), Errno> {
    check_kind(open, operation)?;
    if open.file.takes(operation, len_bytes) { Ok(()) } else { Err(Errno::EINVAL) }
}

/// Whether files like `open` can be read, or written, at all.
///
/// # Errors
/// EINVAL if not.
#[cold]
pub fn check_kind(open: &OpenFile, operation: u32) -> Result<(), Errno> {
    if open.file.operations() & operation == 0 { Err(Errno::EINVAL) } else { Ok(()) }
}

impl Watched for OpenFile {
    fn activity(&self) -> u64 {
        self.file.activity()
    }

    fn next_change_ns(&self) -> Option<u64> {
        self.file.next_change_ns()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::open_flags::{O_RDONLY, O_RDWR, O_WRONLY};

    struct Nothing;
    impl File for Nothing {
        fn stat(&self) -> Stat {
            Stat::default()
        }
    }

    struct OnlyRead;
    impl File for OnlyRead {
        fn operations(&self) -> u32 {
            READS
        }
        fn stat(&self) -> Stat {
            Stat::default()
        }
    }

    #[test]
    fn what_a_kind_cannot_do_at_all() {
        let file = OpenFile::new(Box::new(OnlyRead), O_RDWR);
        assert_eq!((check_kind(&file, READS), check_kind(&file, WRITES)), (Ok(()), Err(Errno::EINVAL)));
    }

    #[test]
    fn access_modes() {
        for (flags, readable, writable) in [
            (O_RDONLY, true, false),
            (O_WRONLY, false, true),
            (O_RDWR, true, true),
            (O_ACCMODE, false, false),
            (O_RDONLY | O_APPEND, true, false),
            (O_WRONLY | O_NONBLOCK, false, true),
            (O_PATH, false, false),
        ] {
            let file = OpenFile::new(Box::new(Nothing), flags);
            assert_eq!((file.is_readable(), file.is_writable()), (readable, writable), "{flags:o}");
        }
    }
}
