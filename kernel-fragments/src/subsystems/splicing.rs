//! Moving bytes between a pipe and something else (`splice(2)`), in the order of checks and waits of fs/splice.c. Bytes
//! are copied: whether pages change hands instead shows nowhere but in how soon a pipe is full.

use crate::abi::open_flags::O_APPEND;
use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT};
use crate::abi::stat::{S_IFDIR, S_IFIFO, S_IFMT, S_IFSOCK};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::open_file::{OpenFile, READS, WOULD_WAIT, WRITES};
use crate::subsystems::transfer::check_span;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

/// SPLICE_F_MOVE, SPLICE_F_NONBLOCK, SPLICE_F_MORE, SPLICE_F_GIFT.
const KNOWN_FLAGS: u32 = 0xf;
const SPLICE_F_NONBLOCK: u32 = 2;

/// Bytes that are moved at once: what a pipe that is not full has room for.
const CHUNK_BYTES: usize = 4096;

/// The two files and where in them.
struct Ends<'a> {
    input: &'a OpenFile,
    output: &'a OpenFile,
    /// Which of them are pipes.
    pipes: (bool, bool),
    source: u64,
    target: u64,
}

/// Why nothing more is moved.
enum Stop {
    /// The input is over.
    End,
    /// There is nothing in the input yet.
    NoInput,
    /// There is no room in the output.
    NoRoom,
    /// It cannot be done.
    Refused(Refusal),
}

/// Moves up to `len_bytes` bytes from `from` to `to`, one of which is a pipe; the other's offset is stored at its
/// address, and then moves on, or is the file's position if that is null.
///
/// # Errors
/// [`WOULD_WAIT`] where Linux would wait for one of the files; EPIPE where it also signals; those of `splice`.
pub fn splice_at_once(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    platform: &mut impl Platform,
    (from, from_offset): (Fd, UserAddress),
    (to, to_offset): (Fd, UserAddress),
    len_bytes: usize,
    flags: u32,
) -> SysResult {
    if len_bytes == 0 {
        return Ok(0);
    }
    if flags & !KNOWN_FLAGS != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (input, output) = (descriptors.get(from)?.clone(), descriptors.get(to)?.clone());
    let pipes = (is_pipe(&input), is_pipe(&output));
    if pipes.0 && !from_offset.is_null() || pipes.1 && !to_offset.is_null() {
        return Err(Errno::ESPIPE.into());
    }
    let stored = |address: UserAddress| if address.is_null() { Ok(None) } else { memory.read_u64(address).map(Some) };
    let (target, source) = (stored(to_offset)?, stored(from_offset)?);
    if !input.is_readable() || !output.is_writable() {
        return Err(Errno::EBADF.into());
    }
    let ends = Ends {
        input: &input,
        output: &output,
        pipes,
        source: source.unwrap_or(input.offset.get()),
        target: target.unwrap_or(output.offset.get()),
    };
    ends.check(source.is_some(), target.is_some(), len_bytes)?;
    let (done, stop) = ends.copy(platform, len_bytes);
    let waits = |open: &OpenFile| {
        let is_either = pipes == (true, true) && (input.is_nonblocking() || output.is_nonblocking());
        if flags & SPLICE_F_NONBLOCK != 0 || open.is_nonblocking() || is_either {
            Err(Errno::EAGAIN.into())
        } else {
            Err(WOULD_WAIT)
        }
    };
    match stop {
        Stop::NoInput if done == 0 => return waits(&input),
        Stop::NoRoom if done == 0 => return waits(&output),
        Stop::Refused(refusal) if done == 0 => return Err(refusal),
        _ => {}
    }
    for (open, address, at) in [(&output, to_offset, ends.target), (&input, from_offset, ends.source)] {
        match address.is_null() {
            true if open.is_seekable() => open.offset.set(at + done as u64),
            true => {}
            false => memory.write_u64(address, at + done as u64)?,
        }
    }
    Ok(done)
}

impl Ends<'_> {
    /// What is seen before any file is looked into (do_splice). An offset may be `stored` for either.
    fn check(&self, source_is_stored: bool, target_is_stored: bool, len_bytes: usize) -> Result<(), Errno> {
        match self.pipes {
            (true, true) => {
                let number = |open: &OpenFile| (open.file.stat().device, open.file.stat().inode);
                if number(self.input) == number(self.output) { Err(Errno::EINVAL) } else { Ok(()) }
            }
            (true, false) => {
                if target_is_stored && !self.output.is_seekable() || self.output.flags.get() & O_APPEND != 0 {
                    return Err(Errno::EINVAL);
                }
                check_span(self.target, len_bytes)?;
                if self.output.file.splices() & WRITES == 0 { Err(Errno::EINVAL) } else { Ok(()) }
            }
            (false, true) => {
                if source_is_stored && !self.input.is_seekable() {
                    return Err(Errno::EINVAL);
                }
                check_span(self.source, len_bytes)
            }
            (false, false) => Err(Errno::EINVAL),
        }
    }

    /// Moves what can be moved now, and says how much that was, and why it was not more.
    fn copy(&self, platform: &mut impl Platform, len_bytes: usize) -> (usize, Stop) {
        let mode = self.input.file.stat().mode & S_IFMT;
        // Of what has messages it is one, as far as there is room (copy_splice_read).
        let is_once = mode == S_IFSOCK;
        let most_bytes = len_bytes.min(if is_once { self.message_bytes() } else { CHUNK_BYTES });
        let mut chunk = Vec::new();
        if chunk.try_reserve_exact(most_bytes).is_err() {
            return (0, Stop::Refused(Errno::ENOMEM.into()));
        }
        chunk.resize(most_bytes, 0);
        let mut done = 0;
        while done < len_bytes {
            if self.pipes.0 && self.input.file.ready() & (POLLIN | POLLHUP) == 0 {
                return (done, Stop::NoInput);
            }
            if self.pipes.1 && self.output.file.ready() & POLLERR != 0 {
                return (done, Stop::Refused(Errno::EPIPE.into())); // nobody reads
            }
            if self.output.file.ready() & POLLOUT == 0 {
                return (done, Stop::NoRoom);
            }
            if self.input.file.splices() & READS == 0 || mode == S_IFDIR {
                return (done, Stop::Refused(Errno::EINVAL.into()));
            }
            let Some(buffer) = chunk.get_mut(..(len_bytes - done).min(most_bytes)) else { break };
            // A pipe gives up only what the output takes.
            let seen_bytes = self.input.file.peekable().map_or(0, |pipe| pipe.peek(buffer));
            let read = match seen_bytes {
                0 => self.input.file.read(platform, self.source + done as u64, buffer),
                _ => Ok(seen_bytes),
            };
            let read_bytes = match read {
                Ok(0) => return (done, Stop::End),
                Ok(read_bytes) => read_bytes,
                Err(Refusal::Errno(Errno::EAGAIN)) => return (done, Stop::NoInput),
                Err(refusal) => return (done, Stop::Refused(refusal)),
            };
            let bytes = buffer.get(..read_bytes).unwrap_or_default();
            let written_bytes = match self.output.file.write(platform, self.target + done as u64, bytes) {
                Ok(written_bytes) => written_bytes,
                Err(Refusal::Errno(Errno::EAGAIN)) => return (done, Stop::NoRoom),
                Err(refusal) => return (done, Stop::Refused(refusal)),
            };
            done += written_bytes;
            if let Some(taken) = buffer.get_mut(..written_bytes).filter(|_| seen_bytes > 0)
                && let Err(refusal) = self.input.file.read(platform, 0, taken)
            {
                return (done, Stop::Refused(refusal));
            }
            if is_once {
                break;
            }
        }
        (done, Stop::End)
    }

    /// How large a message can be that is read from the input, all that is there being one, and has room in the output.
    fn message_bytes(&self) -> usize {
        let room_bytes = self.output.file.peekable().map_or(CHUNK_BYTES, |pipe| pipe.room_bytes());
        self.input.file.readable_bytes().unwrap_or(CHUNK_BYTES).clamp(1, room_bytes.max(1))
    }
}

fn is_pipe(open: &OpenFile) -> bool {
    open.file.stat().mode & S_IFMT == S_IFIFO
}
