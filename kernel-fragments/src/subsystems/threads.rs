//! The scheduler: cooperative, first in, first out but for priorities (`real_time.rs`). A thread runs until it waits, yields
//! or exits; then the one that is ready for longest goes on. If nobody is, the clock jumps to the earliest deadline; if there is
//! none, the run stops and tells who waits for what. A thread that spins without a system call spins for ever.
#![allow(unsafe_code)]

use crate::abi::timespec::write_timespec;
use crate::errno::Errno;
use crate::outcome::Leave;
use crate::platform_interface::Platform;
use crate::report::errno_value;
use crate::subsystems::clock::Clock;
use crate::subsystems::file_waits::FileWaits;
use crate::subsystems::parked_thread::{ParkedThread, Start, ThreadQueue, ThreadRooms};
use crate::subsystems::real_time::RealTime;
use crate::subsystems::waiting_reports::report_waiting;
use crate::subsystems::watched::Watched;
use crate::thread::{A0, MOVED, PROCESS_ID, Thread, Unfinished, Wait};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::rc::Weak;
use core::ptr::NonNull;

hook!(exchange => exchange);
hook!(switch => switch);
hook!(choose => go_on);

/// In place of a time: no alarm is set, or a wait has no end.
pub const NEVER: u64 = u64::MAX;

/// All threads but the running one.
pub struct Threads {
    /// In the order in which they run next, if none has a priority.
    pub(super) ready: ThreadQueue,
    /// In the order in which they began to wait, the most important ones first.
    pub(super) waiting: ThreadQueue,
    pub(super) real_time: RealTime,
    /// The files that those wait for who wait for an event.
    file_waits: FileWaits,
    /// When the `alarm` hook is to be called next, in nanoseconds since boot.
    pub alarm_ns: u64,
    /// No deadline or alarm is before this, in nanoseconds since boot. 0 closes the short ways: somebody waits for a file or has a priority.
    pub(super) next_deadline_ns: u64,
    /// How many there are, the running one left out.
    others: usize,
    rooms: ThreadRooms,
    /// Whether anybody ever waited to own a futex.
    pub owning_is_known: bool,
    last_tid: u32,
    /// What the process's status will be once the last thread is gone: that of the first thread's exit.
    status: i32,
}

impl Threads {
    /// No other thread.
    pub const fn new() -> Threads {
        Threads {
            ready: ThreadQueue::new(),
            waiting: ThreadQueue::new(),
            real_time: RealTime::new(),
            file_waits: FileWaits::new(),
            alarm_ns: NEVER,
            next_deadline_ns: NEVER,
            others: 0,
            rooms: ThreadRooms::new(),
            owning_is_known: false,
            last_tid: PROCESS_ID,
            status: 0,
        }
    }

    /// Makes a thread with the next free id, which is returned. It starts as a copy of `parent`, whose frame is complete, with
    /// a0 = 0, nothing that a thread has for itself, and what `start` says.
    ///
    /// # Errors
    /// EAGAIN if the kernel's heap is full.
    pub fn create(&mut self, parent: &Thread, start: Start) -> Result<u32, Errno> {
        let room = self.rooms.take().ok_or(Errno::EAGAIN)?;
        let tid = self.last_tid + 1;
        self.last_tid = tid;
        self.others += 1;
        self.ready.push(room.make(parent, tid, start));
        Ok(tid)
    }

    /// As [`create`](Self::create), but of the frame of `parent` only caller-saved registers are there, and of the child's pc, gp
    /// and callee-saved registers are left to assembly. The id is stored at `tid_place`, if there is one. `None`, and nothing happens, where
    /// floating point was used, or it is not soon done. It calls nothing.
    #[inline(always)]
    pub fn create_quickly(
        &mut self,
        memory: &mut impl UserMemory,
        parent: &Thread,
        start: Start,
        tid_place: Option<UserAddress>,
    ) -> Option<(u32, NonNull<Thread>)> {
        let tid = self.last_tid + 1;
        let child = self.rooms.make_quickly(memory, parent, tid, start, tid_place)?;
        (self.last_tid, self.others) = (tid, self.others + 1);
        let place = child.place();
        self.ready.push(child);
        Some((tid, place))
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

    /// Until when all other threads wait, in nanoseconds since boot, `u64::MAX` if they have no deadline; `None` if one of them is
    /// ready, or there is none.
    pub fn all_wait_until_ns(&self) -> Option<u64> {
        (self.ready.is_empty() && !self.waiting.is_empty()).then(|| self.earliest_deadline_ns())
    }

    /// If nobody's time has come and somebody is ready, the caller, whose frame is complete, goes to the end of the run queue
    /// and its call comes to 0. Returns who runs next.
    #[inline]
    pub fn take_turns(&mut self, clock: &mut Clock, thread: &mut Thread) -> Option<NonNull<Thread>> {
        if clock.next_step_ns() >= self.next_deadline_ns || self.ready.is_empty() {
            return None;
        }
        clock.end_turn(thread);
        thread.frame.x[A0] = 0;
        self.ready.exchange(thread).map(ParkedThread::resume)
    }

    /// The caller waits: its call returns 0 when it gets what it waits for and, at `deadline_ns` after boot, ETIMEDOUT
    /// (0 if it only sleeps).
    pub fn wait(&mut self, thread: &mut Thread, wait: Wait, deadline_ns: Option<u64>) -> Leave {
        self.owning_is_known |= matches!(wait, Wait::OwnFutex(_));
        thread.frame.x[A0] = 0;
        (thread.wait, thread.wait_ends_ns) = (wait, deadline_ns.unwrap_or(NEVER));
        Leave::Wait
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
        (thread.wait, thread.wait_ends_ns) = (Wait::Event, deadline_ns.unwrap_or(NEVER));
        Leave::Retry
    }

    /// The running `thread`, which is gone, leaves its room to others. Nobody takes it before the next thread has left this
    /// one's kernel stack.
    #[inline]
    fn bury(&mut self, thread: &mut Thread) {
        self.others -= 1;
        // SAFETY: as in `switch`; it never runs again.
        self.rooms.keep(unsafe { ParkedThread::park(thread) });
    }

    /// The caller is gone, with `status`; the program ends with its last thread.
    #[inline]
    pub fn exit(&mut self, thread: &Thread, status: i32) -> Leave {
        if thread.tid == PROCESS_ID {
            self.status = status;
        }
        if self.is_alone() {
            return Leave::Exit(self.status);
        }
        Leave::Gone
    }

    /// Makes the longest waiting thread for which `is_meant` holds ready; returns its id.
    #[inline]
    pub fn wake_one(&mut self, mut is_meant: impl FnMut(Wait) -> bool) -> Option<u32> {
        let woken = self.waiting.take(|thread| is_meant(thread.wait))?;
        let tid = woken.get().tid;
        self.ready.push(woken);
        Some(tid)
    }

    /// Wakes up to `limit` threads that wait for the futex at `address` with a bit of `bits`; returns how many.
    #[inline]
    pub fn wake_futex(&mut self, address: UserAddress, limit: u32, bits: u32) -> u32 {
        let is_meant = |wait| matches!(wait, Wait::Futex(at, set) if at == address && set & bits != 0);
        let mut count = 0;
        while count < limit && self.wake_one(is_meant).is_some() {
            count += 1;
        }
        count
    }

    /// What the longest waiting thread for which `is_meant` holds waits for.
    #[inline]
    pub fn find_wait(&self, mut is_meant: impl FnMut(Wait) -> bool) -> Option<Wait> {
        self.waiting.iter().map(|thread| thread.wait).find(|&wait| is_meant(wait))
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
        self.wake_event(|thread| thread.tid == tid);
    }

    /// Lets those make their calls again that wait for a signal of `set`: one that takes it, and all that only look for it
    /// (kernel/signal.c, complete_signal and signalfd_notify). Returns whether one takes it.
    pub fn wake_by_signal(&mut self, set: u64) -> bool {
        let is_taken = self.wake_event(|thread| thread.awaited_signals & set != 0 && thread.unfinished.takes_signals);
        while self.wake_event(|thread| thread.awaited_signals & set != 0 && !thread.unfinished.takes_signals) {}
        is_taken
    }

    /// Lets the longest waiting thread that `fits` make its call again, if one of those that wait for an event does; whether.
    fn wake_event(&mut self, mut fits: impl FnMut(&Thread) -> bool) -> bool {
        let Some(mut waiter) = self.waiting.take(|thread| thread.wait == Wait::Event && fits(thread)) else {
            return false;
        };
        let thread = waiter.get_mut();
        // The next signal is for somebody else.
        thread.awaited_signals = 0;
        self.file_waits.forget(thread.tid);
        self.ready.push(waiter);
        true
    }

    /// The id of another thread that fits.
    pub fn find_by(&self, mut fits: impl FnMut(&Thread) -> bool) -> Option<u32> {
        self.ready.iter().chain(self.waiting.iter()).find(|thread| fits(thread)).map(|thread| thread.tid)
    }

    /// Another thread by its id.
    pub fn find(&mut self, tid: u32) -> Option<&mut Thread> {
        let waits = self.waiting.find(|thread| thread.tid == tid);
        waits.or_else(|| self.ready.find(|thread| thread.tid == tid))
    }

    /// Ends the wait of thread `tid`, if it waits, because a handler is to run in it: its call fails with EINTR or, as far
    /// as `restarts` (SA_RESTART) and signal(7) say so, is made again after the handler.
    pub fn interrupt(&mut self, memory: &mut impl UserMemory, clock: &Clock, tid: u32, restarts: bool) {
        let Some(mut waiter) = self.waiting.take(|thread| thread.tid == tid) else { return };
        let thread = waiter.get_mut();
        if thread.wait == Wait::Event {
            self.file_waits.forget(tid);
            if let Unfinished { deadline_ns: Some(deadline_ns), remaining, .. } = thread.unfinished
                && !remaining.is_null()
            {
                // As in Linux, a time that cannot be stored does not change the answer.
                let _ = write_timespec(memory, remaining, deadline_ns.saturating_sub(clock.now_ns()));
            }
            thread.break_off(restarts);
            self.ready.push(waiter);
            return;
        }
        // The call's first argument, if it is made again: the trap handler does not save it.
        let argument = match thread.wait {
            Wait::Futex(address, _) if restarts && thread.wait_ends_ns == NEVER => Some(address.0 as u64),
            Wait::Futex(..) if restarts && thread.wait_ends_ns >= MOVED => Some(thread.wait_ends_ns & !MOVED),
            Wait::OwnFutex(address) => Some(address.0 as u64),
            _ => None,
        };
        thread.frame.x[A0] = errno_value(Errno::EINTR);
        if let Some(argument) = argument {
            thread.frame.make_call_again();
            thread.frame.x[A0] = argument;
        }
        if let Wait::Sleep(remaining) = thread.wait
            && thread.wait_ends_ns != NEVER
            && !remaining.is_null()
        {
            // Linux would answer EFAULT in place of EINTR.
            let left_ns = thread.wait_ends_ns.saturating_sub(clock.now_ns());
            if let Err(errno) = write_timespec(memory, remaining, left_ns) {
                thread.frame.x[A0] = errno_value(errno);
            }
        }
        self.ready.push(waiter);
    }

    /// Makes everybody ready whose deadline is not after `now_ns`, earliest first.
    #[cold]
    #[inline(never)]
    fn expire(&mut self, now_ns: u64) {
        while let earliest_ns = self.earliest_deadline_ns()
            && earliest_ns <= now_ns
            && let Some(mut waiter) = self.waiting.take(|thread| thread.wait_ends_ns == earliest_ns)
        {
            let thread = waiter.get_mut();
            match thread.wait {
                Wait::Futex(..) | Wait::OwnFutex(_) => thread.frame.x[A0] = errno_value(Errno::ETIMEDOUT),
                Wait::Event => {
                    thread.awaited_signals = 0;
                    self.file_waits.forget(thread.tid);
                }
                Wait::Sleep(_) => {}
            }
            self.ready.push(waiter);
        }
        let is_closed = self.real_time.is_on() || !self.file_waits.is_empty();
        self.next_deadline_ns = if is_closed { 0 } else { self.earliest_deadline_ns().min(self.alarm_ns) };
    }

    fn earliest_deadline_ns(&self) -> u64 {
        self.waiting.iter().map(|thread| thread.wait_ends_ns).filter(|&ends_ns| ends_ns < MOVED).min().unwrap_or(NEVER)
    }
}

/// Where the calling thread, whose call ended with `leave`, goes if nobody's time has come and somebody is ready: that one
/// is returned. Else nothing is done.
#[inline]
pub fn exchange(
    leave: Leave,
    threads: &mut Threads,
    clock: &mut Clock,
    thread: &mut Thread,
) -> Option<NonNull<Thread>> {
    match leave {
        Leave::Gone if clock.next_step_ns() < threads.next_deadline_ns => {
            let next = threads.ready.pop()?;
            clock.end_turn(thread);
            threads.bury(thread);
            Some(next.resume())
        }
        Leave::Wait if thread.wait_ends_ns == NEVER && clock.next_step_ns() < threads.next_deadline_ns => {
            let next = threads.ready.pop()?;
            clock.end_turn(thread);
            // SAFETY: as in `switch`.
            threads.waiting.push(unsafe { ParkedThread::park(thread) });
            Some(next.resume())
        }
        Leave::Yield => threads.take_turns(clock, thread),
        _ => None,
    }
}

/// Takes the calling thread off the hart and chooses the next; `None` if nobody can ever go on, after saying who waits for
/// what.
pub fn switch(
    leave: Leave,
    threads: &mut Threads,
    clock: &mut Clock,
    platform: &mut impl Platform,
    thread: &mut Thread,
) -> Option<NonNull<Thread>> {
    if !matches!(leave, Leave::Yield | Leave::Wait | Leave::Retry | Leave::Gone) {
        return Some(NonNull::from(thread));
    }
    clock.end_turn(thread);
    // Whoever the caller let go on is in the queue before the caller itself.
    if !threads.file_waits.is_empty() {
        threads.wake_by_files();
    }
    match leave {
        Leave::Gone => threads.bury(thread),
        Leave::Wait | Leave::Retry => {
            if leave == Leave::Retry {
                thread.frame.make_call_again();
            }
            threads.next_deadline_ns = threads.next_deadline_ns.min(thread.wait_ends_ns);
            // SAFETY: the hook is called with the running thread, which is the first one or was chosen below. Who runs next
            // is what we return; this one is touched only through `threads` until it is returned itself.
            threads.real_time.push_waiting(&mut threads.waiting, unsafe { ParkedThread::park(thread) });
        }
        _ => {
            thread.frame.x[A0] = 0;
            // SAFETY: as above.
            threads.ready.push(unsafe { ParkedThread::park(thread) });
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
    let next = threads.real_time.pop_ready(&mut threads.ready).map(ParkedThread::resume);
    next.or_else(|| idle(threads, clock, platform))
}

/// Nobody is ready: the clock jumps to where somebody is.
#[cold]
#[inline(never)]
fn idle(threads: &mut Threads, clock: &mut Clock, platform: &mut impl Platform) -> Option<NonNull<Thread>> {
    let earliest_ns = threads.earliest_deadline_ns().min(threads.alarm_ns);
    if earliest_ns != NEVER {
        clock.idle_until(earliest_ns);
        threads.expire(earliest_ns);
        if threads.alarm_ns <= earliest_ns {
            return None;
        }
    }
    match threads.real_time.pop_ready(&mut threads.ready) {
        Some(next) => Some(next.resume()),
        None => {
            report_waiting(platform, threads.waiting.iter());
            None
        }
    }
}
