//! Reads and writes that wait for another thread: on a pipe, a counter, whatever names `may_wait`. A call that cannot go on
//! leaves the hart and is made again when something happened to its file (see `Threads::wait_for_event`).

use crate::abi::iovec::MAX_TRANSFER_BYTES;
use crate::errno::{Errno, Refusal, SysResult};
use crate::outcome::{Leave, Outcome};
use crate::platform_interface::Platform;
use crate::register::Fd;
use crate::subsystems::open_file::{OpenFile, WOULD_WAIT, WRITES, check_kind, check_operation};
use crate::subsystems::paired_sockets::{is_receiving_over, keeps_messages, paired};
use crate::subsystems::scattered::gather;
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::subsystems::watched::Watched;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

/// A file as something to wait for.
pub fn watched(file: &Rc<OpenFile>) -> Weak<dyn Watched> {
    let weak: Weak<OpenFile> = Rc::downgrade(file);
    weak
}

/// How a read from `fd`, which is `open`, ends after it came to `result`.
pub fn finish_read(
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    open: &Rc<OpenFile>,
    result: SysResult,
) -> Outcome {
    match result {
        Err(WOULD_WAIT) if is_receiving_over(open) => Ok(Leave::Return(0)),
        Err(WOULD_WAIT) => {
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, fd.0 as u64, core::iter::once(watched(open)), unfinished))
        }
        result => result.map(Leave::Return),
    }
}

/// Writes `pieces` one behind the other to `fd`, which is `open` and has no positions, and waits for room.
pub fn write_or_wait(
    memory: &impl UserMemory,
    platform: &mut dyn Platform,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    open: &Rc<OpenFile>,
    pieces: impl Iterator<Item = Result<(UserAddress, usize), Errno>>,
) -> Outcome {
    if keeps_messages(open) {
        return write_message(memory, platform, threads, thread, fd, open, pieces);
    }
    let mut done_bytes = thread.resume_call().done_bytes;
    // What was written before this call waited.
    let mut skipped_bytes = done_bytes;
    for piece in pieces {
        let (address, len_bytes) = piece?;
        let skip = skipped_bytes.min(len_bytes);
        skipped_bytes -= skip;
        let len_bytes = (len_bytes - skip).min(MAX_TRANSFER_BYTES - done_bytes);
        // A socket also says of no bytes that its other end is gone.
        if len_bytes == 0 && paired(open).is_none() {
            continue;
        }
        let result = match memory.slice(address.add(skip), len_bytes) {
            Ok(bytes) => open.file.write(platform, 0, bytes),
            Err(errno) => Err(check_operation(open, WRITES, len_bytes).err().unwrap_or(errno).into()),
        };
        match result {
            Ok(written_bytes) if written_bytes == len_bytes => done_bytes += written_bytes,
            Ok(written_bytes) if paired(open).is_some_and(|socket| !socket.is_full()) => {
                return Ok(Leave::Return(done_bytes + written_bytes));
            }
            Ok(_) | Err(Refusal::Errno(Errno::EAGAIN)) => {
                done_bytes += result.unwrap_or(0);
                if !open.is_nonblocking() {
                    let unfinished = Unfinished { restarts: true, done_bytes, ..Unfinished::NONE };
                    return Ok(threads.wait_for_event(
                        thread,
                        fd.0 as u64,
                        core::iter::once(watched(open)),
                        unfinished,
                    ));
                }
                return if done_bytes > 0 { Ok(Leave::Return(done_bytes)) } else { Err(Errno::EAGAIN.into()) };
            }
            // A socket sent what it sent; a pipe also signals (unix_stream_sendmsg, pipe_write).
            Err(Refusal::Errno(Errno::EPIPE)) if done_bytes == 0 || paired(open).is_none() => {
                signals.send_broken_pipe(thread)?;
                let value = if done_bytes > 0 { done_bytes } else { (Errno::EPIPE.0 as usize).wrapping_neg() };
                return signals.settle(thread, value);
            }
            Err(refusal) if done_bytes == 0 => return Err(refusal),
            Err(Refusal::Errno(_)) => break,
            Err(unsupported) => return Err(unsupported),
        }
    }
    if done_bytes == 0 {
        check_kind(open, WRITES)?;
    }
    Ok(Leave::Return(done_bytes))
}

/// Writes `pieces` as one message to `fd`, which is `open`. There is no SIGPIPE (net/unix/af_unix.c, unix_dgram_sendmsg).
#[cold]
fn write_message(
    memory: &impl UserMemory,
    platform: &mut dyn Platform,
    threads: &mut Threads,
    thread: &mut Thread,
    fd: Fd,
    open: &Rc<OpenFile>,
    pieces: impl Iterator<Item = Result<(UserAddress, usize), Errno>>,
) -> Outcome {
    thread.resume_call();
    let buffers = pieces.collect::<Result<Vec<_>, _>>()?;
    match open.file.write(platform, 0, &gather(memory, &buffers, 0)?) {
        Err(Refusal::Errno(Errno::EAGAIN)) if !open.is_nonblocking() => {
            let unfinished = Unfinished { restarts: true, ..Unfinished::NONE };
            Ok(threads.wait_for_event(thread, fd.0 as u64, core::iter::once(watched(open)), unfinished))
        }
        result => result.map(Leave::Return),
    }
}
