//! The kernel's own heap (`#[global_allocator]`): free lists per power of two over a bump pointer.
//!
//! Deterministic and small. A block never changes its size class, but for the last one, which grows where it is, and memory is
//! never given back to the bump pointer, so the kernel's use of the heap is bounded by twice the peak of each class. It never touches the program's memory.
#![allow(unsafe_code)]

use crate::boot_info::BootInfo;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

hook!(boot => start);

/// The allocator that the generated root declares.
#[derive(Debug)]
pub struct KernelHeap;

/// Smallest block, in bytes: room for a free-list link, and the psABI's largest fundamental alignment.
const SMALLEST: usize = 16;
/// Number of size classes: 16 bytes to 512 GiB.
const CLASSES: usize = 36;
/// Largest alignment served, in bytes.
const LARGEST_ALIGNMENT: usize = 64;

/// The heap behind every [`KernelHeap`]. Atomics only to be a safe static: there is one hart and no interrupt, and
/// relaxed accesses are plain loads and stores.
struct Heap {
    /// First byte never handed out; zero from here on.
    next: AtomicUsize,
    end: AtomicUsize,
    /// Per class the address of the first free block, whose first word is the address of the next; 0 ends the list.
    free: [AtomicUsize; CLASSES],
}

static HEAP: Heap = Heap::new();

impl KernelHeap {
    /// The allocator. All instances share the one heap, which is empty until [`start`] ran.
    pub const fn new() -> KernelHeap {
        KernelHeap
    }
}

/// Learns where the heap lies.
pub fn start(boot: &BootInfo) {
    HEAP.start(boot.kernel_heap.start as usize, boot.kernel_heap.end as usize);
}

/// A block of `SIZE` bytes, a power of two and larger than any alignment, that nobody ever had: zeros. `None` if one was given back,
/// or the heap is full. It calls nothing.
#[inline]
pub fn take_fresh<const SIZE: usize>() -> Option<ptr::NonNull<u8>> {
    HEAP.take_fresh::<SIZE>()
}

/// An empty vector with room for as many `T` as `SIZE` bytes hold, which are a power of two; `None` as from [`take_fresh`]. It
/// calls nothing.
#[inline]
pub fn fresh_vector<T, const SIZE: usize>() -> Option<Vec<T>> {
    const { assert!(SIZE.is_multiple_of(size_of::<T>()) && align_of::<T>() <= LARGEST_ALIGNMENT) };
    let block = take_fresh::<SIZE>()?;
    // SAFETY: the heap gave it out, and this heap is the allocator wherever it holds anything: what it gives out for a layout of
    // that size is the same.
    Some(unsafe { Vec::from_raw_parts(block.cast::<T>().as_ptr(), 0, SIZE / size_of::<T>()) })
}

/// A layout's size class and that class's block size in bytes; `None` for what is never served.
fn class_of(layout: Layout) -> Option<(usize, usize)> {
    if layout.align() > LARGEST_ALIGNMENT {
        return None;
    }
    let wanted = layout.size().max(layout.align());
    // Most blocks are small, and counting is less code than logarithms without an instruction for them.
    let (mut class, mut size) = (0, SMALLEST);
    if wanted > SMALLEST << (CLASSES - 1) {
        return None;
    }
    while size < wanted {
        (class, size) = (class + 1, size << 1);
    }
    Some((class, size))
}

impl Heap {
    const fn new() -> Heap {
        Heap { next: AtomicUsize::new(0), end: AtomicUsize::new(0), free: [const { AtomicUsize::new(0) }; CLASSES] }
    }

    fn start(&self, start: usize, end: usize) {
        self.next.store(start, Relaxed);
        self.end.store(end, Relaxed);
    }

    /// A block for `layout`, and whether it was used before; null when the heap is full.
    fn take(&self, layout: Layout) -> (*mut u8, bool) {
        let Some((class, size)) = class_of(layout) else { return (ptr::null_mut(), false) };
        let Some(list) = self.free.get(class) else { return (ptr::null_mut(), false) };
        let first = list.load(Relaxed);
        if first != 0 {
            // SAFETY: a listed block is at least 16 bytes of heap, 16-aligned, and ours: `give` wrote the link.
            list.store(unsafe { ptr::with_exposed_provenance::<usize>(first).read() }, Relaxed);
            return (ptr::with_exposed_provenance_mut(first), true);
        }
        let block = self.next.load(Relaxed).checked_next_multiple_of(size.min(LARGEST_ALIGNMENT));
        match block.and_then(|block| Some((block, block.checked_add(size)?))) {
            Some((block, end)) if end <= self.end.load(Relaxed) => {
                self.next.store(end, Relaxed);
                (ptr::with_exposed_provenance_mut(block), false)
            }
            _ => (ptr::null_mut(), false),
        }
    }

    /// Behind [`take_fresh`].
    #[inline(always)]
    fn take_fresh<const SIZE: usize>(&self) -> Option<ptr::NonNull<u8>> {
        const { assert!(SIZE.is_power_of_two() && SIZE >= LARGEST_ALIGNMENT) };
        let class = const { (SIZE / SMALLEST).trailing_zeros() as usize };
        if self.free.get(class)?.load(Relaxed) != 0 {
            return None;
        }
        let block = self.next.load(Relaxed).wrapping_add(LARGEST_ALIGNMENT - 1) & !(LARGEST_ALIGNMENT - 1);
        let left = self.end.load(Relaxed).wrapping_sub(block).cast_signed();
        if left < SIZE.cast_signed() {
            return None;
        }
        self.next.store(block + SIZE, Relaxed);
        ptr::NonNull::new(ptr::with_exposed_provenance_mut(block))
    }

    /// Whether `block` could be made one for `new_layout` where it is: it is the last that was handed out, and there is room.
    fn grows(&self, block: *mut u8, layout: Layout, new_layout: Layout) -> bool {
        let (Some((_, size)), Some((_, new_size))) = (class_of(layout), class_of(new_layout)) else { return false };
        let is_last = block.addr().wrapping_add(size) == self.next.load(Relaxed);
        let end = block.addr().checked_add(new_size).filter(|&end| is_last && end <= self.end.load(Relaxed));
        // What has a larger class is aligned for it.
        match end.filter(|_| new_size > size && block.addr().is_multiple_of(new_size.min(LARGEST_ALIGNMENT))) {
            Some(end) => {
                self.next.store(end, Relaxed);
                true
            }
            None => false,
        }
    }

    /// Takes back a block.
    ///
    /// # Safety
    /// `block` came from `take` with the same `layout` and is not used any more.
    unsafe fn give(&self, block: *mut u8, layout: Layout) {
        let Some(list) = class_of(layout).and_then(|(class, _)| self.free.get(class)) else { return };
        // SAFETY: the block is at least 16 bytes, 16-aligned, and by contract nobody else's.
        unsafe { block.cast::<usize>().write(list.load(Relaxed)) };
        list.store(block.expose_provenance(), Relaxed);
    }
}

// SAFETY: blocks are disjoint (the bump pointer only grows, a listed block leaves its list when taken), of the class's
// size, which is at least `layout.size()`, and aligned to min(size class, 64), which is at least `layout.align()`.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HEAP.take(layout).0
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises what `give` asks for.
        unsafe { HEAP.give(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (block, used) = HEAP.take(layout);
        if used {
            // SAFETY: a used block is not null and has at least `layout.size()` bytes.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let Ok(new_layout) = Layout::from_size_align(new_size, layout.align()) else { return ptr::null_mut() };
        if class_of(layout) == class_of(new_layout) || HEAP.grows(block, layout, new_layout) {
            return block;
        }
        let (new_block, _) = HEAP.take(new_layout);
        if !new_block.is_null() {
            // SAFETY: both blocks are alive, disjoint and at least as long as the smaller size; afterwards the old one
            // is given back, once.
            unsafe {
                new_block.copy_from_nonoverlapping(block, layout.size().min(new_size));
                HEAP.give(block, layout);
            }
        }
        new_block
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::vec;
    use alloc::vec::Vec;

    fn heap(len_bytes: usize) -> Heap {
        let bytes = Box::leak(vec![0u64; len_bytes / 8].into_boxed_slice());
        let start = bytes.as_mut_ptr().expose_provenance();
        let heap = Heap::new();
        heap.start(start, start + len_bytes);
        heap
    }

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap_or(Layout::new::<u8>())
    }

    #[test]
    fn blocks_are_disjoint_aligned_and_reused() {
        let heap = heap(1 << 16);
        let mut blocks: Vec<(usize, usize)> = Vec::new();
        for (size, align) in [(1, 1), (24, 8), (16, 64), (100, 4), (64, 32), (1000, 16)] {
            let (block, used) = heap.take(layout(size, align));
            assert!(!block.is_null() && !used && block.addr() % align == 0);
            assert!(blocks.iter().all(|&(start, end)| block.addr() + size <= start || end <= block.addr()));
            blocks.push((block.addr(), block.addr() + size));
        }
        let (first, _) = heap.take(layout(40, 8));
        // SAFETY: `first` came from `take` with a layout of the same class.
        unsafe { heap.give(first, layout(40, 8)) };
        assert_eq!(heap.take(layout(64, 8)), (first, true));
        assert_ne!(heap.take(layout(64, 8)).0, first);
    }

    #[test]
    fn fresh_blocks_are_like_others() {
        let heap = heap(1 << 12);
        heap.take(layout(16, 8));
        let (fresh, next) = (heap.take_fresh::<1024>(), heap.take(layout(16, 8)).0);
        let block = fresh.map_or(ptr::null_mut(), ptr::NonNull::as_ptr);
        assert!(block.addr().is_multiple_of(LARGEST_ALIGNMENT) && block.addr() + 1024 == next.addr());
        // SAFETY: it is of the class of that layout.
        unsafe { heap.give(block, layout(1024, 32)) };
        assert_eq!(heap.take_fresh::<1024>(), None, "one is free");
        assert_eq!(heap.take(layout(1024, 32)), (block, true));
        assert!(heap.take_fresh::<1024>().is_some());
        assert_eq!((heap.take_fresh::<2048>(), Heap::new().take_fresh::<64>()), (None, None), "full");
    }

    #[test]
    fn only_the_last_block_grows_where_it_is() {
        let heap = heap(1 << 12);
        let (first, _) = heap.take(layout(64, 8));
        assert!(heap.grows(first, layout(64, 8), layout(100, 8)));
        let (second, used) = heap.take(layout(64, 8));
        assert_eq!((second.addr() - first.addr(), used), (128, false));
        assert!(!heap.grows(first, layout(100, 8), layout(200, 8)), "another lies behind");
        assert!(!heap.grows(second, layout(64, 8), layout(1 << 12, 8)), "there is no room");
        assert!(!heap.grows(second, layout(64, 8), layout(16, 8)), "it shrinks");
        assert!(heap.grows(second, layout(64, 8), layout(1 << 10, 8)));
        let (_, (third, _)) = (heap.take(layout(16, 8)), heap.take(layout(16, 8)));
        assert!(!heap.grows(third, layout(16, 8), layout(64, 8)), "its place is not aligned for that");
    }

    #[test]
    fn full_means_null() {
        let heap = heap(256);
        assert!(heap.take(layout(1 << 20, 8)).0.is_null());
        assert!(heap.take(layout(usize::MAX / 2, 1)).0.is_null());
        assert!(heap.take(layout(16, 4096)).0.is_null());
        let mut count = 0;
        while !heap.take(layout(16, 8)).0.is_null() {
            count += 1;
        }
        assert!((12..=16).contains(&count));
        assert!(Heap::new().take(layout(8, 8)).0.is_null());
    }
}
