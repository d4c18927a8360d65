//! The allocator of host tests: the system's, which a test can have refuse.
#![cfg(test)]
#![allow(unsafe_code)]

use core::cell::Cell;
use std::alloc::{GlobalAlloc, Layout, System};

std::thread_local! {
    /// The number of bytes that nobody gets; no allocation has 0.
    static REFUSED_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// What `work` comes to where there is no memory for exactly `len_bytes` bytes.
pub fn without_memory_for<R>(len_bytes: usize, work: impl FnOnce() -> R) -> R {
    REFUSED_BYTES.set(len_bytes);
    let result = work();
    REFUSED_BYTES.set(0);
    result
}

struct Refusing;

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

// SAFETY: all memory is that of the system's allocator, which is asked as this one is; a null pointer may always be the answer.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if REFUSED_BYTES.get() == layout.size() {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller keeps the rules.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above; `place` came from there.
        unsafe { System.dealloc(place, layout) }
    }
}
