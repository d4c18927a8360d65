//! Threads that do not run, as the scheduler holds them: pointers that own.
#![allow(unsafe_code)]

use crate::thread::{AlternateStack, KERNEL_STACK, PROCESS_ID, RestartableSequences, Thread, Unfinished};
use crate::user_memory::UserAddress;
use alloc::alloc::alloc_zeroed;
use core::alloc::Layout;
use core::ptr::NonNull;

/// The only way to a thread that does not run. Whoever holds one may read and write the thread; nobody else does.
#[derive(Debug)]
pub struct ParkedThread(NonNull<Thread>);

/// Where in its block the thread lies: at the end, above the kernel stack that grows down from it.
const OFFSET: usize = KERNEL_STACK - size_of::<Thread>();

/// The block of a thread and its kernel stack.
const BLOCK: Layout = match Layout::from_size_align(KERNEL_STACK, align_of::<Thread>()) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two is an alignment"),
};

/// Room for a thread on the kernel's heap, on top of a kernel stack of its own: zeros, or what was a [`Thread`].
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

    /// Makes a thread in it, whose id is `tid`, not the first thread's, with the registers, mask and name of `parent`.
    pub fn make(self, parent: &Thread, tid: u32) -> ParkedThread {
        let thread = self.0.as_ptr();
        // SAFETY: the end of the block was made for a `Thread`: as large, and aligned, because block and sizes are multiples
        // of the alignment. Every field is written but the floating-point registers, which are numbers whatever they hold.
        // Nobody else knows the room.
        unsafe {
            // Where floating point was never used, in state 0, the registers are zeros.
            if parent.float_state != 0 || (*thread).float_state != 0 {
                ((*thread).frame.f, (*thread).frame.fcsr) = (parent.frame.f, parent.frame.fcsr);
            }
            (*thread).frame.x = parent.frame.x;
            (*thread).frame.continuation = parent.frame.continuation;
            (*thread).frame.continues_at = parent.frame.continues_at;
            (*thread).leave = 0;
            (*thread).float_state = parent.float_state;
            (*thread).tid = tid;
            (*thread).scheduling = parent.scheduling.of_child();
            (*thread).signal_mask = parent.signal_mask;
            (*thread).pending_signals = 0;
            (*thread).alternate_stack = AlternateStack::NONE;
            (*thread).cpu_ns = 0;
            (*thread).clear_child_tid = UserAddress::NULL;
            (*thread).robust_list = UserAddress::NULL;
            (*thread).restartable_sequences = RestartableSequences::NONE;
            (*thread).unfinished = Unfinished::NONE;
            (*thread).awaited_signals = 0;
            (*thread).mask_to_restore = parent.mask_to_restore;
            (*thread).behind = None;
            (*thread).name = parent.name;
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

    /// One of them, or a new one; `None` if the heap is full.
    pub fn take(&mut self) -> Option<ThreadRoom> {
        self.0.pop().map(|thread| ThreadRoom(thread.0)).or_else(ThreadRoom::new)
    }
}

/// Threads in a row: first in, first out. Each knows who is behind it, so that a row needs no memory of its own.
#[derive(Debug)]
pub struct ThreadQueue {
    first: Option<NonNull<Thread>>,
    last: Option<NonNull<Thread>>,
}

impl ThreadQueue {
    /// Nobody.
    pub const fn new() -> ThreadQueue {
        ThreadQueue { first: None, last: None }
    }

    /// Whether nobody stands in it.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Puts `thread` at the end.
    #[inline]
    pub fn push(&mut self, mut thread: ParkedThread) {
        thread.get_mut().behind = None;
        match self.last {
            // SAFETY: who stands in a row is parked, and the row owns it.
            Some(mut last) => unsafe { last.as_mut() }.behind = Some(thread.0),
            None => self.first = Some(thread.0),
        }
        self.last = Some(thread.0);
    }

    /// Takes the first one out.
    #[inline]
    pub fn pop(&mut self) -> Option<ParkedThread> {
        let first = ParkedThread(self.first?);
        self.first = first.get().behind;
        if self.first.is_none() {
            self.last = None;
        }
        Some(first)
    }

    /// Those in it, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        // SAFETY: who stands in a row is parked, and the row, which is borrowed, owns it.
        core::iter::successors(self.first, |at| unsafe { at.as_ref() }.behind).map(|at| unsafe { at.as_ref() })
    }

    /// The first one for which `fits` holds, to change.
    pub fn find(&mut self, mut fits: impl FnMut(&Thread) -> bool) -> Option<&mut Thread> {
        let mut at = self.first;
        while let Some(mut thread) = at {
            // SAFETY: as in `iter`; the row is borrowed exclusively, and only this reference is handed out.
            let thread = unsafe { thread.as_mut() };
            if fits(thread) {
                return Some(thread);
            }
            at = thread.behind;
        }
        None
    }
}
