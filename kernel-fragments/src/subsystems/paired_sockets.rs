//! Both ends of `socketpair(2)` (unix(7), net/unix/af_unix.c of Linux 6.12). What one end sends is queued at the other.
//!
//! How much may be queued before a sender waits is Linux's 212,992 bytes, but what a message costs beside its bytes is a
//! round figure: there it depends on the machine's allocator.
//!
//! Kernels without `socketpair` have `no_paired_sockets.rs` in place of this file.

use crate::abi::pollfd::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM};
use crate::abi::stat::{S_IFSOCK, Stat};
use crate::errno::{Errno, Refusal, SysResult};
use crate::platform_interface::Platform;
use crate::subsystems::may_wait::MAY_WAIT;
use crate::subsystems::open_file::{File, OpenFile};
use crate::subsystems::own_inode::OwnInode;
use crate::subsystems::unix_socket::{BUFFER_BYTES, SOCKET_DEVICE, SocketKind};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;

const _: bool = MAY_WAIT;

/// What a message costs beside its bytes.
const MESSAGE_COST: usize = 768;
/// The most that one message of a stream holds: a page and 32 KiB, less what Linux keeps beside.
const CHUNK_BYTES: usize = 3776 + 32768;

/// Nothing more is received.
const RECEIVING: u32 = 1;
/// Nothing more is sent.
const SENDING: u32 = 2;

/// What is kept of one end.
#[derive(Default)]
struct Side {
    /// What was sent to it, and how much of the first message was received.
    queue: Cell<VecDeque<Vec<u8>>>,
    received_bytes: Cell<usize>,
    /// What the queue counts for.
    cost: Cell<usize>,
    /// What was shut down: a set of `RECEIVING` and `SENDING`.
    shut: Cell<u32>,
    /// It was closed.
    is_closed: Cell<bool>,
    /// It has another end.
    is_disconnected: Cell<bool>,
    /// What the next call is told.
    error: Cell<Option<Errno>>,
    /// How often something happened that somebody with this end may wait for: something was sent to it; what it had
    /// sent was received and it could be written; other things.
    arrivals: Cell<u64>,
    releases: Cell<u64>,
    changes: Cell<u64>,
    /// How often what it had sent was received otherwise.
    reads: Cell<u64>,
}

/// One end.
pub struct PairedSocket {
    kind: SocketKind,
    own: Rc<Side>,
    peer: Rc<Side>,
    inode: OwnInode,
}

/// What was received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// How many bytes were stored.
    pub stored_bytes: usize,
    /// How many bytes the message had, or as many as were stored.
    pub message_bytes: usize,
}

/// Two ends with these numbers.
pub fn new_pair(kind: SocketKind, numbers: [u64; 2]) -> [PairedSocket; 2] {
    let (first, second) = (Rc::new(Side::default()), Rc::new(Side::default()));
    let end = |own: &Rc<Side>, peer: &Rc<Side>, number| PairedSocket {
        kind,
        own: own.clone(),
        peer: peer.clone(),
        inode: OwnInode::with_permissions(number, 0o777),
    };
    [end(&first, &second, numbers[0]), end(&second, &first, numbers[1])]
}

impl Side {
    /// Works on the queue; `work` must not come back here.
    fn with_queue<R>(&self, work: impl FnOnce(&mut VecDeque<Vec<u8>>) -> R) -> R {
        let mut queue = self.queue.take();
        let result = work(&mut queue);
        self.queue.set(queue);
        result
    }

    fn is_shut(&self, direction: u32) -> bool {
        self.shut.get() & direction != 0
    }

    /// Whether its other end is told that it can write: a quarter is in use at most (unix_writable).
    fn is_writable(&self) -> bool {
        self.cost.get() * 4 <= BUFFER_BYTES
    }

    /// Queues `bytes` as a message.
    ///
    /// # Errors
    /// ENOBUFS: there is no memory for it.
    fn push(&self, bytes: &[u8]) -> Result<(), Errno> {
        let mut message = Vec::new();
        message.try_reserve_exact(bytes.len()).map_err(|_| Errno::ENOBUFS)?;
        message.extend_from_slice(bytes);
        self.with_queue(|queue| {
            queue.try_reserve(1).map_err(|_| Errno::ENOBUFS)?;
            queue.push_back(message);
            Ok(())
        })?;
        self.cost.set(self.cost.get() + MESSAGE_COST + bytes.len());
        count(&self.arrivals);
        Ok(())
    }

    /// The first message is done with.
    fn pop(&self) {
        if let Some(message) = self.with_queue(VecDeque::pop_front) {
            self.cost.set(self.cost.get().saturating_sub(MESSAGE_COST + message.len()));
        }
        self.received_bytes.set(0);
    }
}

fn count(what: &Cell<u64>) {
    what.set(what.get() + 1);
}

impl PairedSocket {
    /// What kind of socket.
    pub fn kind(&self) -> SocketKind {
        self.kind
    }

    /// The error that was not told yet (SO_ERROR).
    pub fn take_error(&self) -> Option<Errno> {
        self.own.error.take()
    }

    /// Whether its other end is known.
    pub fn is_connected(&self) -> bool {
        !self.own.is_disconnected.get()
    }

    fn is_stream(&self) -> bool {
        self.kind == SocketKind::Stream
    }

    /// Whether there is no room for what it sends. Where a stream took less than all and is not full, there was no memory: who sends
    /// does not wait for more.
    pub fn is_full(&self) -> bool {
        self.peer.cost.get() >= BUFFER_BYTES
    }

    /// Sends `bytes`: of a stream as many as there is room for, else all as one message.
    ///
    /// # Errors
    /// EAGAIN where Linux would wait; EPIPE, ENOTCONN, ECONNREFUSED, ECONNRESET, EMSGSIZE, ENOBUFS.
    pub fn send(&self, bytes: &[u8]) -> SysResult {
        if !self.is_connected() {
            return Err(Errno::ENOTCONN.into());
        }
        if self.is_stream() {
            return self.send_stream(bytes);
        }
        if bytes.len() > BUFFER_BYTES - 32 {
            return Err(Errno::EMSGSIZE.into());
        }
        self.check_sending()?;
        if self.peer.is_closed.get() && self.kind == SocketKind::Datagram {
            // It is nobody's other end any more, and what came from there is gone (unix_dgram_disconnected).
            self.own.is_disconnected.set(true);
            while self.own.with_queue(|queue| !queue.is_empty()) {
                self.own.pop();
            }
            return Err(Errno::ECONNREFUSED.into());
        }
        if self.peer.is_shut(RECEIVING) || self.peer.is_closed.get() {
            return Err(Errno::EPIPE.into());
        }
        self.peer.push(bytes)?;
        Ok(bytes.len())
    }

    /// As sock_alloc_send_pskb of net/core/sock.c.
    fn check_sending(&self) -> Result<(), Errno> {
        if let Some(errno) = self.take_error() {
            return Err(errno);
        }
        if self.own.is_shut(SENDING) {
            return Err(Errno::EPIPE);
        }
        if self.is_full() { Err(Errno::EAGAIN) } else { Ok(()) }
    }

    fn send_stream(&self, bytes: &[u8]) -> SysResult {
        if self.own.is_shut(SENDING) {
            return Err(Errno::EPIPE.into());
        }
        let mut sent_bytes = 0;
        for chunk in bytes.chunks(CHUNK_BYTES) {
            let checked = self.check_sending().and_then(|()| {
                let is_over = self.peer.is_closed.get() || self.peer.is_shut(RECEIVING);
                if is_over { Err(Errno::EPIPE) } else { Ok(()) }
            });
            match checked.and_then(|()| self.peer.push(chunk)) {
                Ok(()) => {}
                Err(errno) if sent_bytes == 0 => return Err(errno.into()),
                Err(_) => break,
            }
            sent_bytes += chunk.len();
        }
        Ok(sent_bytes)
    }

    /// Receives to `into`, leaving it there if it only `peeks`. `waits` says whether the call may wait.
    ///
    /// # Errors
    /// EAGAIN where Linux would wait; ECONNRESET.
    pub fn receive(&self, into: &mut [u8], peeks: bool, waits: bool) -> Result<Received, Refusal> {
        let is_told_first = !self.is_stream() || self.own.with_queue(|queue| queue.is_empty());
        if let Some(errno) = self.own.error.get().filter(|_| is_told_first) {
            self.own.error.set(None);
            return Err(errno.into());
        }
        let cost = self.own.cost.get();
        let received =
            if self.is_stream() { self.receive_stream(into, peeks) } else { self.receive_message(into, peeks) };
        if let Some(received) = received {
            if !peeks {
                let is_released = self.own.cost.get() < cost && self.own.is_writable();
                count(if is_released { &self.peer.releases } else { &self.peer.reads });
            }
            return Ok(received);
        }
        let is_over = self.own.is_shut(RECEIVING) && (self.kind != SocketKind::Datagram || waits);
        if is_over { Ok(Received { stored_bytes: 0, message_bytes: 0 }) } else { Err(Errno::EAGAIN.into()) }
    }

    /// `None` if there is nothing.
    fn receive_stream(&self, into: &mut [u8], peeks: bool) -> Option<Received> {
        let (mut stored_bytes, mut index, mut skipped) = (0, 0, self.own.received_bytes.get());
        if self.own.with_queue(|queue| queue.is_empty()) {
            return None;
        }
        while let Some(space) = into.get_mut(stored_bytes..).filter(|space| !space.is_empty()) {
            let copied = self.own.with_queue(|queue| {
                let rest = queue.get(index)?.get(skipped..)?;
                let copied = space.iter_mut().zip(rest).map(|(space, byte)| *space = *byte).count();
                Some((copied, copied == rest.len()))
            });
            let Some((copied, is_done)) = copied else { break };
            stored_bytes += copied;
            match (is_done, peeks) {
                (true, true) => (index, skipped) = (index + 1, 0),
                (true, false) => {
                    self.own.pop();
                    skipped = 0;
                }
                (false, _) => skipped += copied,
            }
            if !peeks {
                self.own.received_bytes.set(skipped);
            }
        }
        Some(Received { stored_bytes, message_bytes: stored_bytes })
    }

    /// `None` if there is none.
    fn receive_message(&self, into: &mut [u8], peeks: bool) -> Option<Received> {
        let received = self.own.with_queue(|queue| {
            let message = queue.front()?;
            let stored_bytes = into.iter_mut().zip(message).map(|(space, byte)| *space = *byte).count();
            Some(Received { stored_bytes, message_bytes: message.len() })
        })?;
        if !peeks {
            self.own.pop();
        }
        Some(received)
    }

    /// Ends receiving (1), sending (2) or both (3); the other end of a connection learns of it.
    pub fn shut_down(&self, directions: u32) {
        self.own.shut.set(self.own.shut.get() | directions);
        count(&self.own.changes);
        if self.kind != SocketKind::Datagram {
            let mirrored = (directions & RECEIVING) << 1 | (directions & SENDING) >> 1;
            self.peer.shut.set(self.peer.shut.get() | mirrored);
        }
        count(&self.peer.changes);
    }
}

impl File for PairedSocket {
    fn read(&self, _platform: &mut dyn Platform, _offset: u64, into: &mut [u8]) -> SysResult {
        if into.is_empty() {
            return Ok(0);
        }
        // Only who would wait for a datagram learns that none comes: see `is_receiving_over`.
        Ok(self.receive(into, false, false)?.stored_bytes)
    }

    fn write(&self, _platform: &mut dyn Platform, _offset: u64, from: &[u8]) -> SysResult {
        self.send(from)
    }

    fn stat(&self) -> Stat {
        self.inode.stat(SOCKET_DEVICE, S_IFSOCK)
    }

    fn ready(&self) -> u16 {
        let mut events = if self.own.error.get().is_some() { POLLERR } else { 0 };
        if self.own.is_shut(RECEIVING) {
            events |= POLLRDHUP | POLLIN | POLLRDNORM;
        }
        if self.own.shut.get() == RECEIVING | SENDING {
            events |= POLLHUP;
        }
        if self.own.with_queue(|queue| !queue.is_empty()) {
            events |= POLLIN | POLLRDNORM;
        }
        if self.peer.is_writable() {
            events |= POLLOUT | POLLWRNORM | POLLWRBAND;
        }
        events
    }

    fn activity(&self) -> u64 {
        let counts = [&self.own.arrivals, &self.own.releases, &self.own.changes, &self.own.reads];
        counts.map(Cell::get).iter().sum()
    }

    fn edges(&self) -> [u64; 2] {
        [&self.own.arrivals, &self.own.releases].map(|count| count.get() + self.own.changes.get())
    }

    fn readable_bytes(&self) -> Option<usize> {
        let received_bytes = self.own.received_bytes.get();
        Some(self.own.with_queue(|queue| match self.kind {
            // Of messages only the first counts (unix_inq_len).
            SocketKind::Datagram => queue.front().map_or(0, Vec::len),
            _ => queue.iter().map(Vec::len).sum::<usize>() - received_bytes,
        }))
    }

    fn inode(&self) -> Option<&OwnInode> {
        Some(&self.inode)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Drop for PairedSocket {
    fn drop(&mut self) {
        self.own.is_closed.set(true);
        if self.kind != SocketKind::Datagram {
            self.peer.shut.set(RECEIVING | SENDING);
            if self.own.with_queue(|queue| !queue.is_empty()) {
                self.peer.error.set(Some(Errno::ECONNRESET));
            }
        }
        self.own.queue.set(VecDeque::new());
        self.own.cost.set(0);
        count(&self.peer.changes);
    }
}

/// The end of a pair that an open file is, if it is one.
pub fn paired(open: &OpenFile) -> Option<&PairedSocket> {
    open.file.as_any()?.downcast_ref()
}

/// Whether a read of `open` that would wait ends instead, because nothing more is received.
pub fn is_receiving_over(open: &OpenFile) -> bool {
    paired(open).is_some_and(|socket| socket.own.is_shut(RECEIVING))
}

/// Whether what one call writes to `open` stays one message, and one call reads one.
pub fn keeps_messages(open: &OpenFile) -> bool {
    paired(open).is_some_and(|socket| !socket.is_stream())
}
