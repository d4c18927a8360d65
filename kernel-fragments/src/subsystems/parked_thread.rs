//! Threads that do not run, as the scheduler holds them: pointers that own.
#![allow(unsafe_code)]

use crate::thread::{KERNEL_STACK, PROCESS_ID, Thread};
use alloc::alloc::{alloc, dealloc};
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

/// Room for a thread on the kernel's heap, on top of a kernel stack of its own.
#[derive(Debug)]
pub struct ThreadRoom(NonNull<Thread>);

impl ThreadRoom {
    /// New room; `None` if the heap is full.
    pub fn new() -> Option<ThreadRoom> {
        // SAFETY: the layout is not of size 0.
        let block = NonNull::new(unsafe { alloc(BLOCK) })?;
        // SAFETY: the offset lies inside the block.
        Some(ThreadRoom(unsafe { block.add(OFFSET) }.cast::<Thread>()))
    }

    /// Makes a copy of `thread` in it, whose id is `tid`: not the first thread's.
    pub fn copy(self, thread: &Thread, tid: u32) -> ParkedThread {
        // SAFETY: the end of the block was made for a `Thread`: as large, and aligned, because block and sizes are
        // multiples of the alignment. A `Thread` is plain data, and nobody else knows the room.
        unsafe { self.0.copy_from_nonoverlapping(NonNull::from(thread), 1) };
        let mut copy = ParkedThread(self.0);
        copy.get_mut().tid = tid;
        copy
    }
}

impl ParkedThread {
    /// Takes the running thread off the hart.
    ///
    /// # Safety
    /// The thread is the first one (a static) or was made by [`ThreadRoom::copy`]; until the pointer is given up by
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

    /// Gives the thread's memory back; nothing may run it or save to it any more. The first thread's stays.
    pub fn free(self) {
        if self.get().tid != PROCESS_ID {
            // SAFETY: every thread but the first was made in a `ThreadRoom`, a block of this layout; `Thread` has nothing to
            // drop. The thread's kernel stack is not in use: it exited, and another thread has entered the kernel since.
            unsafe { dealloc(self.0.as_ptr().cast::<u8>().sub(OFFSET), BLOCK) }
        }
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
