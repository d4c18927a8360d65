//! Sending and receiving by the ends of a pair, with waiting: what `sendto`, `recvfrom`, `sendmsg` and `recvmsg` share where
//! `socketpair` can be called.

use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::subsystems::open_file::{File, OpenFile};
use crate::subsystems::paired_sockets::{PairedSocket, Received};
use crate::subsystems::scattered::{Buffers, gather, scatter, total_bytes};
use crate::subsystems::signals::Signals;
use crate::subsystems::sockets::{DONTWAIT, NOSIGNAL, OOB, PEEK, WAITALL};
use crate::subsystems::threads::Threads;
use crate::subsystems::unix_socket::SocketKind;
use crate::subsystems::waiting::watched;
use crate::thread::{Thread, Unfinished};
use crate::user_memory::UserMemory;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Sends what is in `buffers` by `socket`, which is `open`, the file of descriptor `argument`.
pub fn send(
    memory: &impl UserMemory,
    signals: &mut Signals,
    threads: &mut Threads,
    thread: &mut Thread,
    argument: u64,
    open: &Rc<OpenFile>,
    socket: &PairedSocket,
    buffers: &Buffers,
    has_address: bool,
    flags: u32,
) -> Outcome {
    let mut done_bytes = thread.resume_call().done_bytes;
    let is_stream = socket.kind() == SocketKind::Stream;
    check_band(socket, flags)?;
    match socket.kind() {
        SocketKind::Stream if has_address => return Err(Errno::EISCONN.into()),
        SocketKind::Datagram if has_address => return Err(Refusal::Unsupported("sending to an address")),
        _ => {}
    }
    let total_bytes = total_bytes(buffers);
    let result = socket.send(&gather(memory, buffers, done_bytes)?);
    let may_wait = !open.is_nonblocking() && flags & DONTWAIT == 0;
    match result {
        Ok(sent_bytes) if !is_stream || done_bytes + sent_bytes == total_bytes || !socket.is_full() => {
            return Ok(Leave::Return(done_bytes + sent_bytes));
        }
        Ok(sent_bytes) => done_bytes += sent_bytes,
        Err(Refusal::Errno(Errno::EAGAIN)) => {}
        Err(_) if done_bytes > 0 => return Ok(Leave::Return(done_bytes)),
        Err(Refusal::Errno(Errno::EPIPE)) if is_stream && flags & NOSIGNAL == 0 => {
            signals.send_broken_pipe(thread)?;
            return signals.settle(thread, (Errno::EPIPE.0 as usize).wrapping_neg());
        }
        Err(refusal) => return Err(refusal),
    }
    if may_wait {
        let unfinished = Unfinished { restarts: true, done_bytes, ..Unfinished::NONE };
        return Ok(threads.wait_for_event(thread, argument, core::iter::once(watched(open)), unfinished));
    }
    if done_bytes > 0 { Ok(Leave::Return(done_bytes)) } else { Err(Errno::EAGAIN.into()) }
}

/// How a call that receives goes on.
pub enum Progress {
    /// It received so much.
    Done(Received),
    /// It waits.
    Waits(Leave),
}

/// Receives to `buffers` by `socket`, which is `open`, the file of descriptor `argument`.
///
/// # Errors
/// Those of the calls.
pub fn receive(
    memory: &mut impl UserMemory,
    threads: &mut Threads,
    thread: &mut Thread,
    argument: u64,
    open: &Rc<OpenFile>,
    socket: &PairedSocket,
    buffers: &Buffers,
    flags: u32,
) -> Result<Progress, Refusal> {
    let mut done_bytes = thread.resume_call().done_bytes;
    check_band(socket, flags)?;
    let may_wait = !open.is_nonblocking() && flags & DONTWAIT == 0;
    let (peeks, total_bytes) = (flags & PEEK != 0, total_bytes(buffers));
    let is_filled =
        |done_bytes| socket.kind() != SocketKind::Stream || flags & WAITALL == 0 || peeks || done_bytes >= total_bytes;
    let done = |done_bytes| Ok(Progress::Done(Received { stored_bytes: done_bytes, message_bytes: done_bytes }));
    loop {
        match receive_once(memory, socket, buffers, done_bytes, peeks, may_wait) {
            Ok(received) if is_filled(done_bytes + received.stored_bytes) => {
                let stored_bytes = done_bytes + received.stored_bytes;
                let message_bytes = done_bytes + received.message_bytes;
                return Ok(Progress::Done(Received { stored_bytes, message_bytes }));
            }
            // The end came first.
            Ok(received) if received.stored_bytes == 0 => return done(done_bytes),
            Ok(received) => done_bytes += received.stored_bytes,
            Err(Refusal::Errno(Errno::EAGAIN)) => break,
            // As in Linux, nobody is told an error that ends MSG_WAITALL.
            Err(_) if done_bytes > 0 => return done(done_bytes),
            Err(refusal) => return Err(refusal),
        }
    }
    if may_wait {
        let unfinished = Unfinished { restarts: true, done_bytes, ..Unfinished::NONE };
        let leave = threads.wait_for_event(thread, argument, core::iter::once(watched(open)), unfinished);
        return Ok(Progress::Waits(leave));
    }
    if done_bytes > 0 { done(done_bytes) } else { Err(Errno::EAGAIN.into()) }
}

/// Receives what there is, behind the first `done_bytes` of the buffers. Bytes that cannot be stored stay in a stream; a
/// message is lost.
fn receive_once(
    memory: &mut impl UserMemory,
    socket: &PairedSocket,
    buffers: &Buffers,
    done_bytes: usize,
    peeks: bool,
    may_wait: bool,
) -> Result<Received, Refusal> {
    let room_bytes = total_bytes(buffers).saturating_sub(done_bytes).min(socket.readable_bytes().unwrap_or(0));
    let mut bytes = Vec::new();
    bytes.try_reserve(room_bytes).map_err(|_| Errno::ENOMEM)?;
    bytes.resize(room_bytes, 0);
    let received = socket.receive(&mut bytes, true, may_wait)?;
    let stored = scatter(memory, buffers, done_bytes, bytes.get(..received.stored_bytes).unwrap_or_default());
    let keeps = peeks || stored.is_err() && socket.kind() == SocketKind::Stream;
    if !keeps {
        socket.receive(&mut bytes, false, may_wait)?;
    }
    stored?;
    Ok(received)
}

/// Bytes out of band: only streams have them.
fn check_band(socket: &PairedSocket, flags: u32) -> Result<(), Refusal> {
    match (flags & OOB != 0, socket.kind()) {
        (false, _) => Ok(()),
        (true, SocketKind::Stream) => Err(Refusal::Unsupported("MSG_OOB")),
        (true, _) => Err(Errno::EOPNOTSUPP.into()),
    }
}
