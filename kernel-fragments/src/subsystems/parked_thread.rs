//! Threads that do not run, as the scheduler holds them: pointers that own.
#![allow(unsafe_code)]

use crate::subsystems::kernel_heap::take_fresh;
use crate::thread::{
    A0, AlternateStack, KERNEL_STACK, PC, PROCESS_ID, RestartableSequences, SP, TP, Thread, Unfinished,
};
use crate::user_memory::{UserAddress, UserMemory};
use alloc::alloc::alloc_zeroed;
use core::alloc::Layout;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, compiler_fence};

/// The only way to a thread that does not run. Whoever holds one may read and write the thread; nobody else does.
#[derive(Debug)]
pub struct ParkedThread(NonNull<Thread>);

/// In what a new thread differs from its parent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Its stack pointer; 0 for its parent's.
    pub stack: u64,
    /// Its thread pointer, if not its parent's.
    pub thread_pointer: Option<u64>,
    /// Where its end is announced; null for nowhere.
    pub clear_child_tid: UserAddress,
}

/// Where in its block the thread lies: at the end, above the kernel stack that grows down from it.
const OFFSET: usize = KERNEL_STACK - size_of::<Thread>();

/// The block of a thread and its kernel stack.
const BLOCK: Layout = match Layout::from_size_align(KERNEL_STACK, align_of::<Thread>()) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two is an alignment"),
};

/// What a call may change, a0 left out (psABI, "Integer Register Convention").
const CALLER_SAVED: [usize; 15] = [1, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17, 28, 29, 30, 31];

/// Room for a thread on the kernel's heap, on top of a kernel stack of its own: zeros, or what was a [`Thread`], with nothing of
/// what a thread has for itself.
#[derive(Debug)]
pub struct ThreadRoom(NonNull<Thread>);

impl ThreadRoom {
    /// New room; `None` if the heap is full.
    fn new() -> Option<ThreadRoom> {
        // SAFETY: the layout is not of size 0.
        let block = NonNull::new(unsafe { alloc_zeroed(BLOCK) })?;
        // SAFETY: the offset lies inside the block.
        Some(ThreadRoom(unsafe { block.add(OFFSET) }.cast::<Thread>()))
    }

    /// The same where it takes no call; `None` elsewhere.
    #[inline(always)]
    fn new_quickly() -> Option<ThreadRoom> {
        let block = take_fresh::<KERNEL_STACK>()?;
        // SAFETY: the offset lies inside the block.
        Some(ThreadRoom(unsafe { block.add(OFFSET) }.cast::<Thread>()))
    }

    /// The room of a thread that is gone.
    #[inline(never)]
    fn cleared(thread: ParkedThread) -> ThreadRoom {
        ThreadRoom::clear(thread)
    }

    #[inline(always)]
    fn clear(thread: ParkedThread) -> ThreadRoom {
        let place = thread.0.as_ptr();
        // SAFETY: it is a thread that nobody runs or saves to any more.
        unsafe {
            (*place).frame.x[A0] = 0;
            (*place).frame.continuation = 0;
            (*place).leave = 0;
            (*place).pending_signals = 0;
            (*place).alternate_stack = AlternateStack::NONE;
            (*place).cpu_ns = 0;
            (*place).robust_list = UserAddress::NULL;
            (*place).restartable_sequences = RestartableSequences::NONE;
            // All stores of zeros in one piece would become a call.
            compiler_fence(Ordering::AcqRel);
            (*place).unfinished = Unfinished::NONE;
            (*place).awaited_signals = 0;
            (*place).mask_to_restore = None;
        }
        ThreadRoom(thread.0)
    }

    /// Makes a thread in it, whose id is `tid`, not the first thread's, with the registers, mask and name of `parent`, whose
    /// frame is complete, and a0 = 0, but as `start` says.
    #[inline]
    pub fn make(self, parent: &Thread, tid: u32, start: Start) -> ParkedThread {
        let thread = self.0.as_ptr();
        // SAFETY: the end of the block was made for a `Thread`: as large, and aligned, because block and sizes are multiples
        // of the alignment. Zeros are a thread in every field but those that are written here, and so is what was one: the
        // floating-point registers are numbers whatever they hold. Nobody else knows the room.
        unsafe {
            // Where floating point was never used, in state 0, the registers are zeros.
            if parent.float_state != 0 || (*thread).float_state != 0 {
                ((*thread).frame.f, (*thread).frame.fcsr) = (parent.frame.f, parent.frame.fcsr);
            }
            // Word by word: for so few a call would cost as much again.
            let (to, _) = (*thread).frame.x.as_chunks_mut::<8>();
            let (from, _) = parent.frame.x.as_chunks::<8>();
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
            (*thread).frame.x[A0] = 0;
            if start.stack != 0 {
                (*thread).frame.x[SP] = start.stack;
            }
            if let Some(thread_pointer) = start.thread_pointer {
                (*thread).frame.x[TP] = thread_pointer;
            }
            (*thread).frame.go_on_at(parent.frame.x[PC]);
            (*thread).leave = 0;
            (*thread).float_state = parent.float_state;
            (*thread).tid = tid;
            (*thread).scheduling = parent.scheduling.of_child();
            (*thread).signal_mask = parent.signal_mask;
            (*thread).clear_child_tid = start.clear_child_tid;
            (*thread).mask_to_restore = parent.mask_to_restore;
            (*thread).name = parent.name;
            (*thread).credentials = parent.credentials;
        }
        ParkedThread(self.0)
    }
}

impl ThreadRoom {
    /// As [`make`](Self::make), where floating point was never used, the parent's scheduling and no mask to restore are inherited, and
    /// without what assembly puts there before the thread can run: pc, gp and callee-saved registers. It calls nothing.
    #[inline(always)]
    fn make_quickly(self, parent: &Thread, tid: u32, start: Start) -> ParkedThread {
        let thread = self.0.as_ptr();
        // SAFETY: as in `make`.
        unsafe {
            let (to, from) = (&mut (*thread).frame.x, &parent.frame.x);
            for few in CALLER_SAVED.as_chunks::<5>().0 {
                for &register in few {
                    to[register] = from[register];
                }
                // With all at once on their way there are too few registers.
                compiler_fence(Ordering::AcqRel);
            }
            // a0 is 0 already, and so is all else that is not written here.
            to[SP] = start.stack;
            to[TP] = start.thread_pointer.unwrap_or(from[TP]);
            (*thread).tid = tid;
            (*thread).scheduling = parent.scheduling;
            (*thread).signal_mask = parent.signal_mask;
            (*thread).clear_child_tid = start.clear_child_tid;
            (*thread).name = parent.name;
            (*thread).credentials = parent.credentials;
        }
        ParkedThread(self.0)
    }
}

impl ParkedThread {
    /// Takes the running thread off the hart.
    ///
    /// # Safety
    /// The thread is the first one (a static) or was made by [`ThreadRoom::make`]; until the pointer is given up by
    /// [`resume`](Self::resume), nobody else reads or writes it, except that the trap handler may still save registers
    /// to its frame before it loads the next thread's.
    pub unsafe fn park(thread: &mut Thread) -> ParkedThread {
        ParkedThread(NonNull::from(thread))
    }

    /// The thread.
    pub fn get(&self) -> &Thread {
        // SAFETY: it is alive, and only this pointer leads to it; see `park`.
        unsafe { self.0.as_ref() }
    }

    /// Where it lies.
    pub fn place(&self) -> NonNull<Thread> {
        self.0
    }

    /// The thread, to change.
    pub fn get_mut(&mut self) -> &mut Thread {
        // SAFETY: as in `get`; `self` is borrowed exclusively.
        unsafe { self.0.as_mut() }
    }

    /// Gives the thread up to who will run it.
    pub fn resume(self) -> NonNull<Thread> {
        self.0
    }
}

/// The rooms of threads that are gone, for those that come.
#[derive(Debug)]
pub struct ThreadRooms(ThreadQueue);

impl ThreadRooms {
    /// None.
    pub const fn new() -> ThreadRooms {
        ThreadRooms(ThreadQueue::new())
    }

    /// Keeps the room of `thread`: nothing may run it or save to it any more, and its kernel stack is not in use, because
    /// another thread has entered the kernel since. The first thread's is none.
    pub fn keep(&mut self, thread: ParkedThread) {
        if thread.get().tid != PROCESS_ID {
            self.0.push(thread);
        }
    }

    /// Makes a thread as [`ThreadRoom::make_quickly`] does, in one of them or a new one, and stores its id at `tid_place`, if there is one. `None`, and
    /// nothing happens, where floating point was used or it is not soon done. It calls nothing.
    #[inline(always)]
    pub fn make_quickly(
        &mut self,
        memory: &mut impl UserMemory,
        parent: &Thread,
        tid: u32,
        start: Start,
        tid_place: Option<UserAddress>,
    ) -> Option<ParkedThread> {
        if parent.float_state != 0 || !parent.scheduling.is_inherited() {
            return None;
        }
        let room = match self.0.pop() {
            Some(thread) if thread.get().float_state != 0 => {
                self.0.push(thread);
                return None;
            }
            Some(thread) => ThreadRoom::clear(thread),
            None => ThreadRoom::new_quickly()?,
        };
        if tid_place.is_some_and(|place| memory.write_u32_quickly(place, tid).is_none()) {
            self.0.push(ParkedThread(room.0));
            return None;
        }
        Some(room.make_quickly(parent, tid, start))
    }

    /// One of them, or a new one; `None` if the heap is full.
    pub fn take(&mut self) -> Option<ThreadRoom> {
        self.0.pop().map(ThreadRoom::cleared).or_else(ThreadRoom::new)
    }
}

/// Threads in a row: first in, first out. Each knows who is behind it, and the last one who is first, so that a row needs no
/// memory of its own and taking turns in it no decision.
#[derive(Debug)]
pub struct ThreadQueue(Option<NonNull<Thread>>);

impl ThreadQueue {
    /// Nobody.
    pub const fn new() -> ThreadQueue {
        ThreadQueue(None)
    }

    /// Whether nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Puts `thread` at the end.
    #[inline]
    pub fn push(&mut self, mut thread: ParkedThread) {
        let first = match self.0 {
            // SAFETY: who stands in a row is parked, and the row owns it.
            Some(mut last) => unsafe { last.as_mut() }.behind.replace(thread.0),
            None => Some(thread.0),
        };
        thread.get_mut().behind = first;
        self.0 = Some(thread.0);
    }

    /// Puts `thread` before the first one that `comes_after` it, or at the end.
    pub fn insert(&mut self, mut thread: ParkedThread, mut comes_after: impl FnMut(&Thread) -> bool) {
        let Some(last) = self.0 else { return self.push(thread) };
        let mut before = last;
        // SAFETY: as in `push`.
        while let Some(at) = unsafe { before.as_ref() }.behind {
            // SAFETY: as in `push`; the reference is gone before anything is changed.
            if comes_after(unsafe { at.as_ref() }) {
                thread.get_mut().behind = Some(at);
                // SAFETY: as in `push`. If only one is in the row, it is behind `thread`, and `thread` behind it.
                unsafe { before.as_mut() }.behind = Some(thread.0);
                return;
            }
            if at == last {
                break;
            }
            before = at;
        }
        self.push(thread);
    }

    /// Takes the first one out.
    #[inline]
    pub fn pop(&mut self) -> Option<ParkedThread> {
        let mut last = self.0?;
        // SAFETY: as in `push`.
        let first = unsafe { last.as_ref() }.behind?;
        if first == last {
            self.0 = None;
        } else {
            // SAFETY: as in `push`; the two are not the same.
            unsafe { last.as_mut().behind = first.as_ref().behind };
        }
        Some(ParkedThread(first))
    }

    /// Takes the first one out for which `fits` holds.
    #[inline]
    pub fn take(&mut self, mut fits: impl FnMut(&Thread) -> bool) -> Option<ParkedThread> {
        let last = self.0?;
        let mut before = last;
        loop {
            // SAFETY: as in `push`.
            let at = unsafe { before.as_ref() }.behind?;
            // SAFETY: as in `push`; the reference is gone before the thread is changed.
            if fits(unsafe { at.as_ref() }) {
                if at == before {
                    self.0 = None;
                    return Some(ParkedThread(at));
                }
                // SAFETY: as in `push`; the two are not the same.
                unsafe { before.as_mut().behind = at.as_ref().behind };
                if at == last {
                    self.0 = Some(before);
                }
                return Some(ParkedThread(at));
            }
            if at == last {
                return None;
            }
            before = at;
        }
    }

    /// Takes the first one out and puts `thread` at the end; nothing where nobody is first.
    #[inline]
    pub fn exchange(&mut self, thread: &mut Thread) -> Option<ParkedThread> {
        let (mut last, thread) = (self.0?, NonNull::from(thread));
        // SAFETY: as in `push`. If only one is in the row, `thread` is behind it from here on, and so behind itself afterwards.
        let first = unsafe { last.as_mut() }.behind.replace(thread)?;
        // SAFETY: as in `push`; `thread` is the caller's, and the row's from now on.
        unsafe { (*thread.as_ptr()).behind = first.as_ref().behind };
        self.0 = Some(thread);
        Some(ParkedThread(first))
    }

    /// Those in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        // SAFETY: who stands in a row is parked, and the row, which is borrowed, owns it.
        let behind = move |at: &NonNull<Thread>| unsafe { at.as_ref() }.behind.filter(|_| Some(*at) != self.0);
        let first = self.0.and_then(|last| {
            // SAFETY: as above.
            unsafe { last.as_ref() }.behind
        });
        // SAFETY: as above.
        core::iter::successors(first, behind).map(|at| unsafe { at.as_ref() })
    }

    /// The first one for which `fits` holds, to change.
    pub fn find(&mut self, mut fits: impl FnMut(&Thread) -> bool) -> Option<&mut Thread> {
        let last = self.0?;
        let mut at = last;
        loop {
            // SAFETY: as in `iter`; the row is borrowed exclusively, and only the last reference is handed out.
            at = unsafe { at.as_ref() }.behind?;
            // SAFETY: as above.
            let thread = unsafe { at.as_mut() };
            if fits(thread) {
                return Some(thread);
            }
            if at == last {
                return None;
            }
        }
    }
}
