//! `mq_timedsend(2)`: <https://man7.org/linux/man-pages/man2/mq_send.2.html>. Supported: everything.
//! Errors: EFAULT, EINVAL, EBADF, EMSGSIZE, EAGAIN, ETIMEDOUT, EINTR, ENOMEM.

use crate::abi::message_queue::PRIORITIES;
use crate::abi::signal_info::{SI_MESGQ, SignalInfo};
use crate::boot_info::BootInfo;
use crate::errno::{Errno, Refusal};
use crate::outcome::{Leave, Outcome};
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::directed_signals::send_to_process;
use crate::subsystems::message_queue::{Message, Notice, queue_file};
use crate::subsystems::message_queues::{MessageQueues, Waiter, Wanted, deadline_of, read_end};
use crate::subsystems::signals::Signals;
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};
use core::cell::Cell;

syscall!(182 => mq_timedsend);

/// Sends the `len_bytes` bytes at `address` to the queue `fd`, and waits for room until the time of day at `timeout` (null: for ever).
pub fn mq_timedsend(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    queues: &mut MessageQueues,
    signals: &mut Signals,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    boot: &BootInfo,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
    priority: u32,
    timeout: UserAddress,
) -> Outcome {
    let unfinished = thread.resume_call();
    let waiter = queues.resume(threads, thread, unfinished);
    let end_ns = read_end(memory, waiter.as_deref(), timeout)?;
    let deadline_ns = deadline_of(clock, boot, end_ns);
    if priority >= PRIORITIES {
        return Err(Errno::EINVAL.into());
    }
    let (open, message) = match waiter.as_deref() {
        Some(Waiter { open, wanted: Wanted::Room(message), .. }) => (open.clone(), message.take()),
        _ => {
            let open = descriptors.get(fd)?.clone();
            let queue = &queue_file(&open)?.queue;
            if !open.is_writable() {
                return Err(Errno::EBADF.into());
            }
            if len_bytes as u64 > queue.most_bytes() {
                return Err(Errno::EMSGSIZE.into());
            }
            (open, Message::read(memory, address, len_bytes, priority)?)
        }
    };
    let queue = queue_file(&open)?.queue.clone();
    if queue.is_full() {
        if open.is_nonblocking() && waiter.is_none() {
            return Err(Errno::EAGAIN.into());
        }
        if deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns()) {
            waiter.iter().for_each(|waiter| queues.forget(waiter));
            return Err(Errno::ETIMEDOUT.into());
        }
        let wanted = Wanted::Room(Cell::default());
        let waiter = waiter.unwrap_or_else(|| Waiter::new(thread, open, wanted, end_ns));
        if let Wanted::Room(place) = &waiter.wanted {
            place.set(message);
        }
        return Ok(queues.wait(threads, thread, fd, &waiter, deadline_ns)?);
    }
    waiter.iter().for_each(|waiter| queues.forget(waiter));
    let mut notice = None;
    if let Some(message) = queues.hand_over(memory, threads, &queue, message) {
        queue.insert(message).map_err(|_| Errno::ENOMEM)?;
        notice = queue.note_insertion();
    }
    queue.note_transfer();
    match notice {
        Some(Notice::Signal(signal @ 1.., value)) => {
            let info = SignalInfo { code: SI_MESGQ, ..SignalInfo::sent_by(thread.credentials.users().real, false) };
            let info = SignalInfo { words: [info.words[0], value], ..info };
            match send_to_process(memory, signals, threads, clock, thread, signal, info) {
                // One that cannot be queued is lost (ipc/mqueue.c, __do_notify).
                Err(Refusal::Errno(_)) => Ok(Leave::Return(0)),
                outcome => outcome,
            }
        }
        _ => Ok(Leave::Return(0)),
    }
}
