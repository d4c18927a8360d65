//! The windows of one file: where its bytes are the program's memory, because they were mapped to be shared (`mmap(2)`).
//!
//! The program writes to a window, and nobody sees it; calls write to both, the window and the file's own bytes. So what is in
//! a window is right as long as the kernel can reach it; where it cannot, the program cannot write either, and the file's own
//! bytes are right. A byte of a file has at most one window: this kernel has one address space without aliases.
#![allow(unsafe_code)]

use crate::errno::Refusal;
use crate::subsystems::node::{Contents, with};
use crate::subsystems::overlay::Overlay;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;
use core::ptr::{self, NonNull};
use core::slice;

/// Bytes of the file that are memory of the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Where in the file it starts.
    pub offset: usize,
    /// At which address.
    pub address: usize,
    /// How long it is.
    pub len_bytes: usize,
    /// Whether the program may ever write there.
    pub may_change: bool,
    /// How the kernel reaches it, if it can: by [`UserMemory::reach`](crate::user_memory::UserMemory::reach), for all its bytes.
    pub reach: Option<NonNull<u8>>,
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
        let reach = self.reach.and_then(|first| NonNull::new(first.as_ptr().wrapping_add(skip)));
        Window { offset: self.offset + skip, address: self.address + skip, len_bytes, reach, ..self }
    }

    /// Whether some of these bytes are `bytes`.
    fn overlaps(self, bytes: &[u8]) -> bool {
        let (start, place) = (bytes.as_ptr().addr(), self.reach.map_or(0, |first| first.addr().get()));
        self.reach.is_some() && start < place + self.len_bytes && place < start + bytes.len()
    }
}

/// All windows of one file. Each has been told of in time: when what the machine allows changed, and before it went.
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
    let Some(first) = window.reach.filter(|_| window.may_change) else { return false };
    // SAFETY: as in `FileWindows::read`; no slice of the program's memory is alive where windows change or go.
    contents.absorb(window.offset, unsafe { slice::from_raw_parts(first.as_ptr(), window.len_bytes) })
}

/// `part`, if the kernel can write to it from `from`.
fn writable(part: Window, from: &[u8]) -> Result<NonNull<u8>, Refusal> {
    if part.overlaps(from) {
        return Err(Refusal::Unsupported("writing to a file what lies in a shared mapping of it"));
    }
    part.reach.ok_or(Refusal::Unsupported("changing a file where it is mapped to be shared and cannot be written"))
}

impl Overlay for FileWindows {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Refusal> {
        for part in self.parts(offset, offset + into.len()) {
            if part.overlaps(into) {
                return Err(Refusal::Unsupported("reading a file to where it is mapped to be shared"));
            }
            let place = into.get_mut(part.offset - offset..).and_then(|place| place.get_mut(..part.len_bytes));
            if let (Some(first), Some(place)) = (part.reach, place) {
                // SAFETY: `reach` was given for as many bytes of the program's memory, which exists for the whole run, and was
                // asked for again whenever what may be done with them changed. The program does not run now. The one slice
                // of its memory that may be alive is `place`, which does not overlap; every bit pattern is a `u8`.
                unsafe { ptr::copy_nonoverlapping(first.as_ptr(), place.as_mut_ptr(), part.len_bytes) };
            }
        }
        Ok(())
    }

    fn write(&self, old_size_bytes: usize, offset: usize, from: &[u8]) -> Result<(), Refusal> {
        for part in self.parts(old_size_bytes.min(offset), offset) {
            let first = writable(part, &[])?;
            // SAFETY: as in `read`, to write; `from` is checked below, and only read there.
            unsafe { first.as_ptr().write_bytes(0, part.len_bytes) };
        }
        for part in self.parts(offset, offset + from.len()) {
            let first = writable(part, from)?;
            if let Some(bytes) = from.get(part.offset - offset..).and_then(|bytes| bytes.get(..part.len_bytes)) {
                // SAFETY: as in `read`, to write; the one slice of the program's memory that may be alive is `from`.
                unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), first.as_ptr(), part.len_bytes) };
            }
        }
        Ok(())
    }

    fn zero_from(&self, offset: usize) -> Result<(), Refusal> {
        for part in self.parts(offset, usize::MAX) {
            let first = writable(part, &[])?;
            // SAFETY: as in `read`, to write; no slice is alive.
            unsafe { first.as_ptr().write_bytes(0, part.len_bytes) };
        }
        Ok(())
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
    use crate::user_memory::{UserAddress, UserMemory};

    /// A file of 100 bytes of which 20..60 lie at the start of 64 bytes of memory, as two windows.
    fn sample() -> (FakeMemory, Contents, Rc<FileWindows>) {
        let (mut memory, contents, windows) = (FakeMemory::new(64), Contents::empty(), Rc::new(FileWindows::new()));
        contents.write(0, &[1; 100]).expect("there is memory");
        let address = memory.address(0);
        for skip in [0, 16] {
            let address = address.add(skip);
            let len_bytes = if skip == 0 { 16 } else { 24 };
            let reach = memory.reach(address, len_bytes);
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
    }

    #[test]
    fn what_cannot_be_reached() {
        let (mut memory, contents, windows) = sample();
        let middle = memory.address(10).0;
        windows.change(middle, middle + 10, |window| {
            absorb(window, &contents);
            window.reach = None;
            true
        });
        memory.put(0, &[7; 40]);
        let mut bytes = [0; 40];
        assert_eq!(contents.read(20, &mut bytes), Ok(40));
        assert_eq!([0, 9, 10, 19, 20, 39].map(|at| bytes[at]), [7, 7, 2, 2, 7, 7]);
        assert!(matches!(contents.write(35, b"x"), Err(Refusal::Unsupported(_))));
        assert!(matches!(contents.truncate(22), Err(Refusal::Unsupported(_))));
        assert_eq!(contents.write(29, b"x"), Ok(1));
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
