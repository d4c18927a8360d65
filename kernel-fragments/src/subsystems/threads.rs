//! The scheduler: cooperative, first in, first out. A thread runs until it waits, yields or exits; then the one that has
//! been ready for longest goes on. If nobody is ready, the clock jumps to the earliest deadline; if there is none, the
//! run stops and tells who waits for what.
//!
//! There is no preemption: a thread that spins without a system call spins for ever.
#![allow(unsafe_code)]

use crate::abi::timespec::write_timespec;
use crate::errno::Errno;
use crate::outcome::Leave;
use crate::platform_interface::Platform;
use crate::stop::{Message, Part};
use crate::subsystems::clock::Clock;
use crate::subsystems::file_waits::FileWaits;
use crate::subsystems::newborn::{Newborn, Start};
use crate::subsystems::parked_thread::{ParkedThread, ThreadQueue, ThreadRooms};
use crate::subsystems::watched::Watched;
use crate::thread::{A0, ECALL_BYTES, PC, PROCESS_ID, Thread, Unfinished};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Weak;
use alloc::vec::Vec;
use core::ptr::NonNull;

hook!(switch => switch);
hook!(choose => go_on);

/// No alarm is set.
const NEVER: u64 = u64::MAX;

/// What a thread waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// A wake of the futex at this address with a bit of this set.
    Futex(UserAddress, u32),
    /// To own the priority-inheritance futex at this address.
    OwnFutex(UserAddress),
    /// Its deadline. If a handler comes first, what remains is stored there, unless it is null.
    Sleep(UserAddress),
    /// Anything that may let its call succeed: then the call is made again.
    Event,
}

/// A thread that waits.
#[derive(Debug)]
pub(super) struct Waiter {
    thread: ParkedThread,
    wait: Wait,
    /// When it stops waiting, in nanoseconds since boot.
    pub(super) deadline_ns: Option<u64>,
}

/// What the calling thread does once its frame is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Intent {
    Yield,
    Wait(Wait, Option<u64>),
    Exit,
}

/// All threads but the running one.
pub struct Threads {
    /// In the order in which they run next.
    pub(super) ready: ThreadQueue,
    /// In the order in which they began to wait.
    pub(super) waiting: Vec<Waiter>,
    /// The files that those wait for who wait for an event.
    file_waits: FileWaits,
    /// When the `alarm` hook is to be called next, in nanoseconds since boot.
    alarm_ns: u64,
    /// No deadline and no alarm is before this, in nanoseconds since boot, and nobody waits for a file unless it is 0.
    next_deadline_ns: u64,
    /// How many there are, the running one left out.
    others: usize,
    newborn: Option<Newborn>,
    rooms: ThreadRooms,
    /// The thread that exited last: its frame was saved after it said so.
    retired: Option<ParkedThread>,
    intent: Intent,
    last_tid: u32,
    /// What the process's status will be once the last thread is gone: that of the first thread's exit.
    status: i32,
}

impl Threads {
    /// No other thread.
    pub const fn new() -> Threads {
        Threads {
            ready: ThreadQueue::new(),
            waiting: Vec::new(),
            file_waits: FileWaits::new(),
            alarm_ns: NEVER,
            next_deadline_ns: NEVER,
            others: 0,
            newborn: None,
            rooms: ThreadRooms::new(),
            retired: None,
            intent: Intent::Yield,
            last_tid: PROCESS_ID,
            status: 0,
        }
    }

    /// Makes a thread with the next free id, which is returned. It starts as a copy of its parent when that leaves by
    /// `Leave::Resume`, with a0 = 0, nothing that a thread has for itself, and what `start` says.
    ///
    /// # Errors
    /// EAGAIN if the kernel's heap is full.
    pub fn create(&mut self, start: Start) -> Result<u32, Errno> {
        // Room for all threads to wait, so that no later step can fail; for more than that, because moving costs more than room.
        let others = self.others + 1;
        if self.waiting.capacity() <= others {
            self.waiting.try_reserve(others + 16 - self.waiting.len()).map_err(|_| Errno::EAGAIN)?;
        }
        let room = self.rooms.take().ok_or(Errno::EAGAIN)?;
        self.others = others;
        self.last_tid += 1;
        self.newborn = Some(Newborn { room, tid: self.last_tid, start });
        Ok(self.last_tid)
    }

    /// Has the `alarm` hook be called `alarm_ns` after boot, once a thread is chosen then; `None` for never.
    pub fn set_alarm(&mut self, alarm_ns: Option<u64>) {
        self.alarm_ns = alarm_ns.unwrap_or(NEVER);
        self.next_deadline_ns = self.next_deadline_ns.min(self.alarm_ns);
    }

    /// Whether another thread could run now or later.
    pub fn is_alone(&self) -> bool {
        self.others == 0
    }

    /// Whether no other thread waits for anything.
    pub fn nobody_waits(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The caller goes to the end of the run queue.
    pub fn yield_now(&mut self, thread: &mut Thread) -> Leave {
        thread.frame.x[A0] = 0;
        self.intent = Intent::Yield;
        Leave::Reschedule
    }

    /// The caller waits: its call returns 0 when it gets what it waits for and, at `deadline_ns` after boot, ETIMEDOUT
    /// (0 if it only sleeps).
    pub fn wait(&mut self, thread: &mut Thread, wait: Wait, deadline_ns: Option<u64>) -> Leave {
        thread.frame.x[A0] = 0;
        self.intent = Intent::Wait(wait, deadline_ns);
        Leave::Reschedule
    }

    /// The caller waits until something happens to one of `files`, or for a signal, at most until the deadline that is part
    /// of `unfinished`; then it makes its call, whose first argument is `argument`, again.
    pub fn wait_for_event(
        &mut self,
        thread: &mut Thread,
        argument: u64,
        files: impl Iterator<Item = Weak<dyn Watched>>,
        unfinished: Unfinished,
    ) -> Leave {
        thread.frame.x[A0] = argument;
        thread.unfinished = Unfinished { is_waiting: true, ..unfinished };
        let mut deadline_ns = unfinished.deadline_ns;
        for file in files {
            let change_ns = file.upgrade().and_then(|file| file.next_change_ns());
            deadline_ns = [deadline_ns, change_ns].into_iter().flatten().min();
            self.file_waits.add(thread.tid, file);
            self.next_deadline_ns = 0;
        }
        self.intent = Intent::Wait(Wait::Event, deadline_ns);
        Leave::Reschedule
    }

    /// The caller is gone, with `status`; the program ends with its last thread.
    pub fn exit(&mut self, thread: &Thread, status: i32) -> Leave {
        if thread.tid == PROCESS_ID {
            self.status = status;
        }
        if self.is_alone() {
            return Leave::Exit(self.status);
        }
        self.intent = Intent::Exit;
        Leave::Reschedule
    }

    /// Makes the longest waiting thread for which `is_meant` holds ready; returns its id.
    pub fn wake_one(&mut self, mut is_meant: impl FnMut(Wait) -> bool) -> Option<u32> {
        let waiter = self.waiting.extract_if(.., |waiter| is_meant(waiter.wait)).next()?;
        let tid = waiter.thread.get().tid;
        self.ready.push(waiter.thread);
        Some(tid)
    }

    /// Wakes up to `limit` threads that wait for the futex at `address` with a bit of `bits`; returns how many.
    pub fn wake_futex(&mut self, address: UserAddress, limit: u32, bits: u32) -> u32 {
        let is_meant = |wait| matches!(wait, Wait::Futex(at, set) if at == address && set & bits != 0);
        let mut count = 0;
        while count < limit && self.wake_one(is_meant).is_some() {
            count += 1;
        }
        count
    }

    /// Lets up to `limit` threads that wait for the futex at `from` wait for the one at `to` instead, behind those who
    /// do already; returns how many.
    pub fn requeue_futex(&mut self, from: UserAddress, to: UserAddress, limit: u32) -> u32 {
        let mut left = self.waiting.len();
        let mut count = 0;
        while count < limit && left > 0 {
            // Those that were moved stand behind the first `left`.
            let is_meant = |waiter: &mut Waiter| matches!(waiter.wait, Wait::Futex(at, _) if at == from);
            let Some(at) = self.waiting.iter_mut().take(left).position(is_meant) else { break };
            let Some(mut waiter) = self.waiting.extract_if(at..=at, |_| true).next() else { break };
            if let Wait::Futex(_, bits) = waiter.wait {
                waiter.wait = Wait::Futex(to, bits);
            }
            self.waiting.push(waiter);
            left -= 1;
            count += 1;
        }
        count
    }

    /// What the longest waiting thread for which `is_meant` holds waits for.
    pub fn find_wait(&self, mut is_meant: impl FnMut(Wait) -> bool) -> Option<Wait> {
        self.waiting.iter().map(|waiter| waiter.wait).find(|&wait| is_meant(wait))
    }

    /// Lets everybody try again who waits for a file to which something happened.
    #[cold]
    fn wake_by_files(&mut self) {
        while let Some(tid) = self.file_waits.take_changed() {
            self.wake_thread(tid);
        }
    }

    /// Lets thread `tid` make its call again, if it waits for an event.
    pub fn wake_thread(&mut self, tid: u32) {
        let is_meant = |waiter: &mut Waiter| waiter.wait == Wait::Event && waiter.thread.get().tid == tid;
        if let Some(waiter) = self.waiting.extract_if(.., is_meant).next() {
            self.file_waits.forget(tid);
            self.ready.push(waiter.thread);
        }
    }

    /// The id of another thread that fits.
    pub fn find_by(&self, mut fits: impl FnMut(&Thread) -> bool) -> Option<u32> {
        let waiting = self.waiting.iter().map(|waiter| waiter.thread.get());
        self.ready.iter().chain(waiting).find(|thread| fits(thread)).map(|thread| thread.tid)
    }

    /// Another thread by its id.
    pub fn find(&mut self, tid: u32) -> Option<&mut Thread> {
        let mut waiting = self.waiting.iter_mut().map(|waiter| waiter.thread.get_mut());
        let waits = waiting.find(|thread| thread.tid == tid);
        waits.or_else(|| self.ready.find(|thread| thread.tid == tid))
    }

    /// Ends the wait of thread `tid`, if it waits, because a handler is to run in it: its call fails with EINTR or, as far
    /// as `restarts` (SA_RESTART) and signal(7) say so, is made again after the handler.
    pub fn interrupt(&mut self, memory: &mut impl UserMemory, clock: &Clock, tid: u32, restarts: bool) {
        let is_meant = |waiter: &mut Waiter| waiter.thread.get().tid == tid;
        let Some(mut waiter) = self.waiting.extract_if(.., is_meant).next() else { return };
        if waiter.wait == Wait::Event {
            self.file_waits.forget(tid);
            let thread = waiter.thread.get_mut();
            if let Unfinished { deadline_ns: Some(deadline_ns), remaining, .. } = thread.unfinished
                && !remaining.is_null()
            {
                // As in Linux, a time that cannot be stored does not change the answer.
                let _ = write_timespec(memory, remaining, deadline_ns.saturating_sub(clock.now_ns()));
            }
            thread.break_off(restarts);
            self.ready.push(waiter.thread);
            return;
        }
        // The call's first argument, if it is made again: the trap handler does not save it.
        let argument = match waiter.wait {
            Wait::Futex(address, _) if restarts && waiter.deadline_ns.is_none() => Some(address.0 as u64),
            Wait::OwnFutex(address) => Some(address.0 as u64),
            _ => None,
        };
        let x = &mut waiter.thread.get_mut().frame.x;
        (x[PC], x[A0]) = match argument {
            Some(argument) => (x[PC].wrapping_sub(ECALL_BYTES), argument),
            None => (x[PC], result_of(Errno::EINTR)),
        };
        if let (Wait::Sleep(remaining), Some(deadline_ns)) = (waiter.wait, waiter.deadline_ns)
            && !remaining.is_null()
        {
            // Linux would answer EFAULT in place of EINTR.
            if let Err(errno) = write_timespec(memory, remaining, deadline_ns.saturating_sub(clock.now_ns())) {
                waiter.thread.get_mut().frame.x[A0] = result_of(errno);
            }
        }
        self.ready.push(waiter.thread);
    }

    /// Makes everybody ready whose deadline is not after `now_ns`, earliest first.
    #[cold]
    #[inline(never)]
    fn expire(&mut self, now_ns: u64) {
        while let Some(earliest_ns) = self.earliest_deadline_ns().filter(|&earliest_ns| earliest_ns <= now_ns) {
            let due = |waiter: &mut Waiter| waiter.deadline_ns == Some(earliest_ns);
            let Some(mut waiter) = self.waiting.extract_if(.., due).next() else { return };
            match waiter.wait {
                Wait::Futex(..) | Wait::OwnFutex(_) => {
                    waiter.thread.get_mut().frame.x[A0] = result_of(Errno::ETIMEDOUT);
                }
                Wait::Event => self.file_waits.forget(waiter.thread.get().tid),
                Wait::Sleep(_) => {}
            }
            self.ready.push(waiter.thread);
        }
        // Who waits for a file may go on at any time.
        let earliest_ns = self.earliest_deadline_ns().unwrap_or(NEVER).min(self.alarm_ns);
        self.next_deadline_ns = if self.file_waits.is_empty() { earliest_ns } else { 0 };
    }

    fn earliest_deadline_ns(&self) -> Option<u64> {
        self.waiting.iter().filter_map(|waiter| waiter.deadline_ns).min()
    }

    /// Says what everybody waits for and where.
    fn report_deadlock(&self, platform: &mut impl Platform) {
        for waiter in &self.waiting {
            let thread = waiter.thread.get();
            let (what, address) = match waiter.wait {
                Wait::Futex(address, _) => ("a wake of the futex at ", Part::Hex(address.0 as u64)),
                Wait::OwnFutex(address) => ("ownership of the futex at ", Part::Hex(address.0 as u64)),
                Wait::Sleep(_) => ("a signal", Part::Text(b"")),
                Wait::Event => ("something to happen to a file, or a signal", Part::Text(b"")),
            };
            let behind = if waiter.wait == Wait::Event { 0 } else { ECALL_BYTES };
            let (tid, pc) = (u64::from(thread.tid), thread.frame.x[PC].wrapping_sub(behind));
            let parts = [Part::Decimal(tid), Part::Text(what.as_bytes()), address, Part::Hex(pc)];
            Message(platform).write("zeroos: thread % waits for %%, pc %\n", &parts);
        }
    }
}

/// How the program sees `errno` in a0.
fn result_of(errno: Errno) -> u64 {
    i64::from(errno.0).wrapping_neg() as u64
}

/// Finishes a newborn thread, or takes the calling one off the hart and chooses the next; `None` if nobody can ever go on,
/// after saying who waits for what.
#[inline]
pub fn switch(
    leave: Leave,
    threads: &mut Threads,
    clock: &mut Clock,
    platform: &mut impl Platform,
    thread: &mut Thread,
) -> Option<NonNull<Thread>> {
    // Taking turns, while nobody's time has come.
    if leave == Leave::Reschedule
        && threads.intent == Intent::Yield
        && threads.retired.is_none()
        && clock.next_step_ns() < threads.next_deadline_ns
        && let Some(next) = threads.ready.pop()
    {
        clock.end_turn(thread);
        // SAFETY: as in `choose`.
        threads.ready.push(unsafe { ParkedThread::park(thread) });
        return Some(next.resume());
    }
    choose(leave, threads, clock, platform, thread)
}

/// As [`switch`], in every case.
#[inline(never)]
fn choose(
    leave: Leave,
    threads: &mut Threads,
    clock: &mut Clock,
    platform: &mut impl Platform,
    thread: &mut Thread,
) -> Option<NonNull<Thread>> {
    if let Some(retired) = threads.retired.take() {
        threads.rooms.keep(retired);
    }
    if leave != Leave::Reschedule {
        if let Some(newborn) = threads.newborn.take() {
            threads.ready.push(newborn.born(thread));
        }
        return Some(NonNull::from(thread));
    }
    clock.end_turn(thread);
    // Whoever the caller let go on is in the queue before the caller itself.
    if !threads.file_waits.is_empty() {
        threads.wake_by_files();
    }
    // SAFETY: the hook is called with the running thread, which is the first one or was chosen below. Who runs next is
    // what we return; this one is touched only through `threads` until it is returned itself.
    let mut parked = unsafe { ParkedThread::park(thread) };
    match threads.intent {
        Intent::Yield => threads.ready.push(parked),
        Intent::Wait(wait, deadline_ns) => {
            if wait == Wait::Event {
                let frame = &mut parked.get_mut().frame;
                frame.x[PC] = frame.x[PC].wrapping_sub(ECALL_BYTES);
            }
            threads.next_deadline_ns = threads.next_deadline_ns.min(deadline_ns.unwrap_or(u64::MAX));
            threads.waiting.push(Waiter { thread: parked, wait, deadline_ns });
        }
        Intent::Exit => {
            threads.others -= 1;
            threads.retired = Some(parked);
        }
    }
    go_on(threads, clock, platform)
}

/// Chooses who runs next when no thread is on the hart: also the `choose` hook, once an alarm was served. `None` if an alarm
/// is to be served first, or nobody can ever run, after saying who waits for what.
pub fn go_on(threads: &mut Threads, clock: &mut Clock, platform: &mut impl Platform) -> Option<NonNull<Thread>> {
    if threads.next_deadline_ns <= clock.now_ns() {
        threads.expire(clock.now_ns());
        if threads.alarm_ns <= clock.now_ns() {
            return None;
        }
    }
    match threads.ready.pop() {
        Some(next) => Some(next.resume()),
        None => idle(threads, clock, platform),
    }
}

/// Nobody is ready: the clock jumps to where somebody is.
#[cold]
#[inline(never)]
fn idle(threads: &mut Threads, clock: &mut Clock, platform: &mut impl Platform) -> Option<NonNull<Thread>> {
    let earliest_ns = threads.earliest_deadline_ns().unwrap_or(NEVER).min(threads.alarm_ns);
    if earliest_ns != NEVER {
        clock.idle_until(earliest_ns);
        threads.expire(earliest_ns);
        if threads.alarm_ns <= earliest_ns {
            return None;
        }
    }
    match threads.ready.pop() {
        Some(next) => Some(next.resume()),
        None => {
            threads.report_deadlock(platform);
            None
        }
    }
}
