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

impl ParkedThread {
    /// Moves a new thread to the kernel's heap, on top of a kernel stack of its own; `None` if that is full. Its id must
    /// not be the first thread's.
    pub fn new(thread: Thread) -> Option<ParkedThread> {
        // SAFETY: the layout is not of size 0.
        let block = NonNull::new(unsafe { alloc(BLOCK) })?;
        // SAFETY: the offset lies inside the block.
        let place = unsafe { block.add(OFFSET) }.cast::<Thread>();
        // SAFETY: the end of the block was just made for a `Thread`: as large, and aligned, because block and sizes are
        // multiples of the alignment.
        unsafe { place.write(thread) };
        Some(ParkedThread(place))
    }

    /// Takes the running thread off the hart.
    ///
    /// # Safety
    /// The thread is the first one (a static) or was made by [`new`](Self::new); until the pointer is given up by
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
            // SAFETY: every thread but the first was made by `new`, in a block of this layout; `Thread` has nothing to
            // drop. The thread's kernel stack is not in use: it exited, and another thread has entered the kernel since.
            unsafe { dealloc(self.0.as_ptr().cast::<u8>().sub(OFFSET), BLOCK) }
        }
    }
}
