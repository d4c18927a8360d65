//! `mq_timedreceive(2)`: <https://man7.org/linux/man-pages/man2/mq_receive.2.html>. Supported: everything.
//! Errors: EFAULT, EINVAL, EBADF, EMSGSIZE, EAGAIN, ETIMEDOUT, EINTR, ENOMEM.

use crate::boot_info::BootInfo;
use crate::errno::Errno;
use crate::outcome::{Leave, Outcome};
use crate::register::Fd;
use crate::subsystems::clock::Clock;
use crate::subsystems::descriptors::Descriptors;
use crate::subsystems::message_queue::queue_file;
use crate::subsystems::message_queues::{MessageQueues, Waiter, Wanted, deadline_of, read_end};
use crate::subsystems::threads::Threads;
use crate::thread::Thread;
use crate::user_memory::{UserAddress, UserMemory};

syscall!(183 => mq_timedreceive);

/// Takes the next message out of the queue `fd` and stores it at `address`, where there is room for `len_bytes` bytes, and its priority at
/// `priority_place` unless that is null. Waits for one until the time of day at `timeout` (null: for ever).
pub fn mq_timedreceive(
    memory: &mut impl UserMemory,
    descriptors: &mut Descriptors,
    queues: &mut MessageQueues,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
    boot: &BootInfo,
    fd: Fd,
    address: UserAddress,
    len_bytes: usize,
    priority_place: UserAddress,
    timeout: UserAddress,
) -> Outcome {
    let unfinished = thread.resume_call();
    let waiter = queues.resume(threads, thread, unfinished);
    let end_ns = read_end(memory, waiter.as_deref(), timeout)?;
    let deadline_ns = deadline_of(clock, boot, end_ns);
    let open = match &waiter {
        Some(waiter) => waiter.open.clone(),
        None => descriptors.get(fd)?.clone(),
    };
    let queue = queue_file(&open)?.queue.clone();
    if !open.is_readable() {
        return Err(Errno::EBADF.into());
    }
    if (len_bytes as u64) < queue.most_bytes() {
        return Err(Errno::EMSGSIZE.into());
    }
    if let Some(message) = queue.take() {
        waiter.iter().for_each(|waiter| queues.forget(waiter));
        queue.note_transfer();
        queues.admit(threads, &queue);
        return Ok(Leave::Return(message.store(memory, address, priority_place)?));
    }
    if open.is_nonblocking() && waiter.is_none() {
        return Err(Errno::EAGAIN.into());
    }
    if deadline_ns.is_some_and(|deadline_ns| deadline_ns <= clock.now_ns()) {
        waiter.iter().for_each(|waiter| queues.forget(waiter));
        return Err(Errno::ETIMEDOUT.into());
    }
    let wanted = Wanted::Message(address, priority_place);
    let waiter = waiter.unwrap_or_else(|| Waiter::new(thread, open, wanted, end_ns));
    Ok(queues.wait(threads, thread, fd, &waiter, deadline_ns)?)
}
