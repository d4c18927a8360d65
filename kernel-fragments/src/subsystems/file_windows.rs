//! The windows of one file: where its bytes are the program's memory, because they were mapped to be shared (`mmap(2)`).
//!
//! The program writes to a window, and nobody sees it; calls write to both, the window and the file's own bytes. So what is in
//! a window is right. A byte of a file has at most one window: this kernel has one address space without aliases.
#![allow(unsafe_code)]

use crate::abi::memory::PAGE_BYTES;
use crate::errno::Refusal;
use crate::subsystems::node::{Contents, with};
use crate::subsystems::overlay::Overlay;
use crate::user_memory::Reach;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;

/// Bytes of the file that are memory of the program, in whole pages.
#[derive(Clone, Copy)]
pub struct Window {
    /// Where in the file it starts.
    pub offset: usize,
    /// At which address.
    pub address: usize,
    /// How long it is.
    pub len_bytes: usize,
    /// Whether the program may ever write there.
    pub may_change: bool,
    /// How the kernel reaches it: by [`UserMemory::reach`](crate::user_memory::UserMemory::reach), for all its bytes.
    pub reach: Reach,
}

impl Window {
    /// The part of it that shows `start..end` of the file, if any.
    fn part(self, start: usize, end: usize) -> Option<Window> {
        let first = start.max(self.offset);
        let last = end.min(self.offset + self.len_bytes);
        (first < last).then(|| self.sub(first - self.offset, last - first))
    }

    /// `len_bytes` of its bytes from `skip` on; it has as many.
    fn sub(self, skip: usize, len_bytes: usize) -> Window {
        let first = NonNull::new(self.reach.first.as_ptr().wrapping_add(skip)).unwrap_or(self.reach.first);
        let reach = Reach { first, ..self.reach };
        Window { offset: self.offset + skip, address: self.address + skip, len_bytes, reach, ..self }
    }

    /// Shows `work` all its bytes, by how far in the window they are, how many and where, so that they can be read and written.
    fn visit(self, mut work: impl FnMut(usize, usize, *mut u8)) {
        let first = self.reach.first.as_ptr();
        let Some(guard) = self.reach.guard else { return work(0, self.len_bytes, first) };
        let mut skip = 0;
        while skip < self.len_bytes {
            let address = self.address + skip;
            let count = (PAGE_BYTES - address % PAGE_BYTES).min(self.len_bytes - skip);
            guard.open(address, &mut || work(skip, count, first.wrapping_add(skip)));
            skip += count;
        }
    }

    /// Makes it zeros.
    fn clear(self) {
        // SAFETY: as in `FileWindows::read`, to write; no slice is alive.
        self.visit(|_, count, place| unsafe { place.write_bytes(0, count) });
    }

    /// Has the machine tell the program which pages lie behind the end of a file of `size_bytes` bytes.
    fn limit(self, size_bytes: usize) {
        let Some(guard) = self.reach.guard else { return };
        let shown = size_bytes.next_multiple_of(PAGE_BYTES).saturating_sub(self.offset).min(self.len_bytes);
        let (middle, end) = (self.address + shown, self.address + self.len_bytes);
        guard.set_beyond_file(self.address, middle, false);
        guard.set_beyond_file(middle, end, true);
    }

    /// Whether some of these bytes are `bytes`.
    fn overlaps(self, bytes: &[u8]) -> bool {
        let (start, place) = (bytes.as_ptr().addr(), self.reach.first.addr().get());
        start < place + self.len_bytes && place < start + bytes.len()
    }
}

/// All windows of one file. It is told of each before it goes.
pub struct FileWindows(Cell<Vec<Window>>);

impl FileWindows {
    /// None.
    pub const fn new() -> FileWindows {
        FileWindows(Cell::new(Vec::new()))
    }

    /// The windows, in no order.
    fn all(&self) -> Vec<Window> {
        with(&self.0, |windows| windows.clone())
    }

    /// The parts of windows that show `start..end` of the file.
    fn parts(&self, start: usize, end: usize) -> Vec<Window> {
        self.all().into_iter().filter_map(|window| window.part(start, end)).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        with(&self.0, |windows| windows.is_empty())
    }

    /// One more.
    pub fn add(&self, window: Window) {
        with(&self.0, |windows| windows.push(window));
    }

    /// The address at which all of the `len_bytes` bytes from `offset` on lie, one behind the other.
    ///
    /// # Errors
    /// How many of them lie somewhere, if that is not all, or not one behind the other.
    pub fn address_of(&self, offset: usize, len_bytes: usize) -> Result<usize, usize> {
        let parts = self.parts(offset, offset + len_bytes);
        let shown = parts.iter().map(|part| part.len_bytes).sum();
        let mut starts = parts.iter().map(|part| part.address.wrapping_sub(part.offset - offset));
        match starts.next() {
            Some(first) if shown == len_bytes && starts.all(|start| start == first) => Ok(first),
            _ => Err(shown),
        }
    }

    /// The window at `start..end` of the program's memory, if all of it shows bytes of this file that lie one behind the other.
    pub fn at(&self, start: usize, end: usize) -> Option<Window> {
        let cut = |window: Window| {
            let (first, last) = (start.max(window.address), end.min(window.address + window.len_bytes));
            (first < last).then(|| window.sub(first - window.address, last - first))
        };
        let parts: Vec<Window> = self.all().into_iter().filter_map(cut).collect();
        let first = *parts.iter().find(|part| part.address == start)?;
        let fits = |part: &Window| part.offset.wrapping_sub(first.offset) == part.address - start;
        let shown: usize = parts.iter().map(|part| part.len_bytes).sum();
        (shown == end - start && parts.iter().all(fits)).then_some(Window { len_bytes: shown, ..first })
    }

    /// Has the machine tell the program which pages of `start..end` of its memory lie behind the end of the file, which has
    /// `size_bytes` bytes.
    pub fn limit(&self, start: usize, end: usize, size_bytes: usize) {
        let touches = |window: &Window| window.address < end && start < window.address + window.len_bytes;
        self.all().into_iter().filter(touches).for_each(|window| window.limit(size_bytes));
    }

    /// Lets `work` change the windows in `start..end` of the program's memory, after cutting them at both ends; those for which
    /// it says no are gone.
    pub fn change(&self, start: usize, end: usize, mut work: impl FnMut(&mut Window) -> bool) {
        with(&self.0, |windows| {
            for edge in [start, end] {
                for index in 0..windows.len() {
                    let Some(window) = windows.get_mut(index) else { break };
                    let old = *window;
                    if old.address < edge && edge < old.address + old.len_bytes {
                        let skip = edge - old.address;
                        *window = old.sub(0, skip);
                        windows.push(old.sub(skip, old.len_bytes - skip));
                    }
                }
            }
            windows.retain_mut(|window| window.address < start || end <= window.address || work(window));
        });
    }
}

/// Has `contents` take over what the program may have written to `window`; says whether it wrote anything.
pub fn absorb(window: &Window, contents: &Contents) -> bool {
    let shown = contents.size_bytes().saturating_sub(window.offset).min(window.len_bytes);
    let mut did_change = false;
    if window.may_change {
        window.sub(0, shown).visit(|skip, count, place| {
            // SAFETY: as in `FileWindows::read`; no slice of the program's memory is alive where windows change or go.
            let bytes = unsafe { slice::from_raw_parts(place, count) };
            did_change |= contents.absorb(window.offset + skip, bytes);
        });
    }
    did_change
}

impl Overlay for FileWindows {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Refusal> {
        for part in self.parts(offset, offset + into.len()) {
            if part.overlaps(into) {
                return Err(Refusal::Unsupported("reading a file to where it is mapped to be shared"));
            }
            let place = into.get_mut(part.offset - offset..).and_then(|place| place.get_mut(..part.len_bytes));
            let Some(place) = place else { continue };
            part.visit(|skip, count, first| {
                if let Some(place) = place.get_mut(skip..skip + count) {
                    // SAFETY: `reach` was given for as many bytes of the program's memory, which exists for the whole run, and
                    // its guard lets the kernel read and write them. The program does not run now. The one slice of its memory
                    // that may be alive is `place`, which does not overlap; every bit pattern is a `u8`.
                    unsafe { ptr::copy_nonoverlapping(first, place.as_mut_ptr(), count) };
                }
            });
        }
        Ok(())
    }

    fn write(&self, old_size_bytes: usize, offset: usize, from: &[u8]) -> Result<(), Refusal> {
        let end = offset + from.len();
        let (gap, parts) = (self.parts(old_size_bytes.min(offset), offset), self.parts(offset, end));
        if gap.iter().chain(&parts).any(|part| part.overlaps(from)) {
            return Err(Refusal::Unsupported("writing to a file what lies in a shared mapping of it"));
        }
        gap.into_iter().for_each(Window::clear);
        for part in parts {
            let from = from.get(part.offset - offset..).unwrap_or_default();
            part.visit(|skip, count, first| {
                if let Some(bytes) = from.get(skip..skip + count) {
                    // SAFETY: as in `read`, to write; the one slice of the program's memory that may be alive is `from`.
                    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), first, count) };
                }
            });
        }
        if end > old_size_bytes {
            self.limit(0, usize::MAX, end);
        }
        Ok(())
    }

    fn resize(&self, old_size_bytes: usize, size_bytes: usize) {
        let parts = self.parts(old_size_bytes.min(size_bytes), usize::MAX);
        parts.into_iter().for_each(Window::clear);
        self.limit(0, usize::MAX, size_bytes);
    }

    fn settle(&self, contents: &Contents) {
        for window in self.all() {
            absorb(&window, contents);
        }
    }

    fn into_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;
    use crate::user_memory::{Guard, UserAddress, UserMemory};

    /// A file of 100 bytes of which 20..60 lie at the start of 64 bytes of memory, as two windows.
    fn sample() -> (FakeMemory, Contents, Rc<FileWindows>) {
        let (mut memory, contents, windows) = (FakeMemory::new(64), Contents::empty(), Rc::new(FileWindows::new()));
        contents.write(0, &[1; 100]).expect("there is memory");
        let address = memory.address(0);
        for skip in [0, 16] {
            let address = address.add(skip);
            let len_bytes = if skip == 0 { 16 } else { 24 };
            let reach = memory.reach(address, len_bytes).expect("it is there");
            windows.add(Window { offset: 20 + skip, address: address.0, len_bytes, may_change: true, reach });
        }
        memory.put(0, &[2; 40]);
        let _ = contents.overlay.set(windows.clone());
        (memory, contents, windows)
    }

    #[test]
    fn both_see_what_the_other_wrote() {
        let (mut memory, contents, windows) = sample();
        let mut bytes = [0; 50];
        assert_eq!(contents.read(10, &mut bytes), Ok(50));
        assert_eq!((bytes[9], bytes[10], bytes[49]), (1, 2, 2));
        assert_eq!(contents.write(30, &[3; 50]), Ok(50));
        assert_eq!((memory.bytes(9, 2), memory.bytes(39, 2)), (&[2, 3][..], &[3, 0][..]));
        assert_eq!(contents.truncate(50), Ok(()));
        assert_eq!((memory.bytes(29, 2), memory.bytes(39, 1)), (&[3, 0][..], &[0][..]));
        memory.put(35, &[9; 5]); // behind the end of the file
        assert_eq!(contents.write(58, b"x"), Ok(1));
        assert_eq!(memory.bytes(35, 5), [0, 0, 0, b'x', 9], "a gap is zero");
        assert_eq!(windows.address_of(22, 30), Ok(memory.address(2).0));
        assert_eq!((windows.address_of(10, 20), windows.address_of(60, 9)), (Err(10), Err(0)));
        let (start, end) = (memory.address(4).0, memory.address(40).0);
        assert_eq!(windows.at(start, end).map(|window| (window.offset, window.len_bytes)), Some((24, 36)));
        assert!(windows.at(start, end + 1).is_none(), "not all of it");
    }

    /// A guard that counts how often it opened a page, and knows which pages lie behind the end.
    struct Watch {
        opened: Cell<usize>,
        beyond: Cell<Vec<(usize, usize)>>,
    }

    impl Guard for Watch {
        fn open(&self, _address: usize, work: &mut dyn FnMut()) {
            self.opened.set(self.opened.get() + 1);
            work();
        }

        fn set_beyond_file(&self, start: usize, end: usize, is_beyond: bool) {
            with(&self.beyond, |beyond| {
                beyond.retain(|&page| page != (start, end));
                if is_beyond && start < end {
                    beyond.push((start, end));
                }
            });
        }
    }

    #[test]
    fn pages_are_opened_one_by_one_and_end_with_the_file() {
        let (mut memory, contents, windows) = (FakeMemory::new(3 * PAGE_BYTES), Contents::empty(), FileWindows::new());
        let windows = Rc::new(windows);
        let start = memory.address(0);
        let watch: &'static Watch =
            alloc::boxed::Box::leak(Watch { opened: Cell::new(0), beyond: Cell::default() }.into());
        let len_bytes = 3 * PAGE_BYTES;
        let reach = memory.reach(start, len_bytes).expect("it is there");
        let reach = Reach { guard: Some(watch), ..reach };
        windows.add(Window { offset: PAGE_BYTES, address: start.0, len_bytes, may_change: true, reach });
        let _ = contents.overlay.set(windows.clone());
        let beyond = || with(&watch.beyond, |beyond| beyond.clone());
        let pages = |first: usize, last: usize| (start.0 + first * PAGE_BYTES, start.0 + last * PAGE_BYTES);
        assert_eq!(contents.write(2 * PAGE_BYTES as u64 - 1, &[9; 2]), Ok(2));
        assert_eq!(watch.opened.replace(0), 1 + 2, "the gap, and a byte on each side");
        assert_eq!(memory.bytes(PAGE_BYTES - 1, 3), [9, 9, 0]);
        assert_eq!(beyond(), [pages(2, 3)]);
        assert_eq!(contents.truncate(5), Ok(()));
        assert_eq!(memory.bytes(PAGE_BYTES - 1, 3), [0, 0, 0]);
        assert!(beyond().contains(&pages(0, 3)));
        windows.change(0, usize::MAX, |_| false);
        assert!(windows.is_empty());
    }

    #[test]
    fn from_and_to_its_own_window() {
        let (mut memory, contents, _) = sample();
        let address = memory.address(20);
        let from = memory.slice(address, 30).expect("it is there").to_vec();
        assert_eq!(contents.write(0, &from), Ok(30));
        let into = memory.slice_mut(UserAddress(address.0 + 19), 10).expect("it is there");
        assert!(matches!(contents.read(55, into), Err(Refusal::Unsupported(_))));
        let into = memory.slice_mut(UserAddress(address.0 + 20), 10).expect("it is there");
        assert_eq!(contents.read(50, into), Ok(10));
        let from = memory.slice(address, 30).expect("it is there");
        assert!(matches!(contents.write(59, from), Err(Refusal::Unsupported(_))));
    }
}
