//! What a regular file holds: bytes that lie in the image until something writes to them, and what lies over them where the file is
//! mapped to be shared.

use crate::errno::{Errno, Refusal};
use crate::subsystems::file_pieces::FilePieces;
use crate::subsystems::overlay::Overlay;
use alloc::rc::Rc;
use core::cell::{Cell, OnceCell, RefCell, RefMut};

/// What a regular file holds: a file of the image until something writes to it.
pub struct Contents {
    committed: Cell<Option<&'static [u8]>>,
    written: RefCell<FilePieces>,
    size_bytes: Cell<usize>,
    /// What lies over both, once the file was mapped to be shared. Where it can be changed by that, it has no holes.
    pub overlay: OnceCell<Rc<dyn Overlay>>,
}

impl Contents {
    /// Bytes that lie in the image.
    pub fn committed(bytes: &'static [u8]) -> Contents {
        let contents = Contents::empty();
        contents.committed.set(Some(bytes));
        contents.size_bytes.set(bytes.len());
        contents
    }

    /// What follows `offset`, if the file is as it lies in the image, and not shorter.
    #[inline]
    pub fn committed_from(&self, offset: u64) -> Option<&'static [u8]> {
        self.committed.get()?.get(offset as usize..)
    }

    /// Nothing.
    pub fn empty() -> Contents {
        Contents {
            committed: Cell::new(None),
            written: RefCell::default(),
            size_bytes: Cell::new(0),
            overlay: OnceCell::new(),
        }
    }

    /// The length.
    #[inline]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes.get()
    }

    /// Shows `visit` all bytes, piece by piece, as they lie in memory until they are changed.
    pub fn pieces(&self, mut visit: impl FnMut(&[u8])) {
        if let Some(overlay) = self.overlay.get() {
            overlay.settle(self);
        }
        match self.committed.get() {
            Some(bytes) => visit(bytes),
            None => {
                if let Ok(pieces) = self.own_pieces() {
                    pieces.visit(self.size_bytes(), visit);
                }
            }
        }
    }

    /// Copies from `offset` on to `into` and says how many bytes there were.
    ///
    /// # Errors
    /// Unsupported: to where the file itself is mapped.
    pub fn read(&self, offset: u64, into: &mut [u8]) -> Result<usize, Refusal> {
        let start = offset as usize;
        // Most reads are of what was written, and of one piece.
        if self.overlay.get().is_none()
            && let Ok(pieces) = self.written.try_borrow()
            && let Some(stored) = pieces.stored(start, into.len())
        {
            into.copy_from_slice(stored);
            return Ok(into.len());
        }
        self.read_anywhere(start, into)
    }

    /// [`read`](Self::read) out of line.
    #[inline(never)]
    fn read_anywhere(&self, start: usize, into: &mut [u8]) -> Result<usize, Refusal> {
        let len_bytes = into.len().min(self.size_bytes().saturating_sub(start));
        let Some(into) = into.get_mut(..len_bytes) else { return Ok(0) };
        match self.committed.get() {
            Some(bytes) => {
                if let Some(bytes) = bytes.get(start..).and_then(|rest| rest.get(..len_bytes)) {
                    into.copy_from_slice(bytes);
                }
                return Ok(len_bytes);
            }
            None => self.own_pieces()?.read(start, into),
        }
        if let Some(overlay) = self.overlay.get() {
            overlay.read(start, into)?;
        }
        Ok(len_bytes)
    }

    /// Puts `from` at `offset` and says how much of it there was memory for; a gap before it is zero.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice for anything. Unsupported: from where the file itself is mapped.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<usize, Refusal> {
        let start = usize::try_from(offset).map_err(|_| Errno::ENOSPC)?;
        if self.overlay.get().is_none()
            && let Ok(mut pieces) = self.written.try_borrow_mut()
            && pieces.write_quickly(start, from).is_some()
        {
            self.size_bytes.set(self.size_bytes().max(start + from.len()));
            return Ok(from.len());
        }
        self.write_anywhere(start, from)
    }

    /// [`write`](Self::write) out of line.
    #[inline(never)]
    fn write_anywhere(&self, start: usize, from: &[u8]) -> Result<usize, Refusal> {
        let end = start.checked_add(from.len()).ok_or(Errno::ENOSPC)?;
        if from.is_empty() {
            return Ok(0);
        }
        self.own()?;
        let old_size_bytes = self.size_bytes();
        if self.overlay.get().is_some() {
            self.reserve(old_size_bytes, end)?;
        }
        let written_bytes = self.own_pieces()?.write(start, from);
        if written_bytes == 0 {
            return Err(Errno::ENOSPC.into());
        }
        self.size_bytes.set(old_size_bytes.max(start + written_bytes));
        if let (Some(overlay), Some(from)) = (self.overlay.get(), from.get(..written_bytes)) {
            overlay.write(old_size_bytes, start, from)?;
        }
        Ok(written_bytes)
    }

    /// Cuts off what lies behind `size_bytes`, or appends zeros up to there.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice.
    pub fn truncate(&self, size_bytes: u64) -> Result<(), Refusal> {
        let old_size_bytes = self.size_bytes();
        let size_bytes = usize::try_from(size_bytes).map_err(|_| Errno::ENOSPC)?;
        if size_bytes == 0 {
            self.committed.set(None);
            *self.own_pieces()? = FilePieces::default();
        } else {
            self.own()?;
            self.own_pieces()?.resize(size_bytes)?;
        }
        if let Some(overlay) = self.overlay.get() {
            self.reserve(old_size_bytes, size_bytes)?;
            overlay.resize(old_size_bytes, size_bytes);
        }
        self.size_bytes.set(size_bytes);
        Ok(())
    }

    /// Takes over what was written at `offset` to a mapping, as far as the file goes; says whether anything was.
    pub fn absorb(&self, offset: usize, from: &[u8]) -> bool {
        let len_bytes = from.len().min(self.size_bytes().saturating_sub(offset));
        let from = from.get(..len_bytes).unwrap_or_default();
        self.committed.get().is_none() && self.own_pieces().is_ok_and(|mut pieces| pieces.absorb(offset, from))
    }

    /// Copies a file of the image, so that it can be changed, and sees to it that changing it where it is cannot fail.
    ///
    /// # Errors
    /// ENOSPC if the kernel's memory does not suffice.
    pub fn make_own(&self) -> Result<(), Errno> {
        self.own()?;
        self.reserve(0, self.size_bytes())
    }

    /// Sees to it that there is memory for `start..end`, as there is for a file of the image. Errors as
    /// [`make_own`](Self::make_own).
    pub fn reserve(&self, start: usize, end: usize) -> Result<(), Errno> {
        if self.committed.get().is_some() { Ok(()) } else { self.own_pieces()?.reserve(start, end) }
    }

    /// What was written. Nobody asks for it who has it, so there is no error.
    #[inline]
    fn own_pieces(&self) -> Result<RefMut<'_, FilePieces>, Errno> {
        self.written.try_borrow_mut().map_err(|_| Errno::EIO)
    }

    /// Copies a file of the image. Errors as [`make_own`](Self::make_own).
    #[inline]
    fn own(&self) -> Result<(), Errno> {
        match self.committed.get() {
            Some(bytes) => self.copy(bytes),
            None => Ok(()),
        }
    }

    #[cold]
    fn copy(&self, bytes: &[u8]) -> Result<(), Errno> {
        let mut pieces = FilePieces::default();
        if pieces.write(0, bytes) < bytes.len() {
            return Err(Errno::ENOSPC);
        }
        *self.own_pieces()? = pieces;
        self.committed.set(None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TestRandom, more_than_memory, rounds, steps};

    #[test]
    fn committed_contents_are_copied_when_written() {
        static BYTES: [u8; 5] = *b"hello";
        let contents = Contents::committed(&BYTES);
        let mut buffer = [0; 8];
        assert_eq!(contents.read(1, &mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"ello");
        assert_eq!(contents.read(u64::MAX, &mut buffer), Ok(0));
        assert_eq!(contents.write(7, b"x"), Ok(1));
        assert_eq!(contents.read(0, &mut buffer), Ok(8));
        assert_eq!(&buffer, b"hello\0\0x");
        assert_eq!(contents.truncate(2), Ok(()));
        assert_eq!(contents.truncate(4), Ok(()));
        assert_eq!(contents.read(0, &mut buffer), Ok(4));
        assert_eq!(&buffer[..4], b"he\0\0");
        assert_eq!(contents.write(u64::MAX, b"x"), Err(Errno::ENOSPC.into()));
        assert_eq!(contents.write(more_than_memory(), b"x"), Err(Errno::ENOSPC.into()));
        assert_eq!(contents.write(100, b""), Ok(0));
        assert_eq!(contents.size_bytes(), 4);
    }

    /// Random writes and truncations against a vector.
    #[test]
    fn contents_behave_like_bytes() {
        for seed in 0..rounds(50) {
            let mut random = TestRandom(seed);
            let contents = Contents::committed(b"the image's own bytes");
            let mut model = b"the image's own bytes".to_vec();
            for _ in 0..steps(100) {
                let scale = if random.below(4) == 0 { 999 } else { 1 };
                let (offset, len_bytes) = (random.below(60) as usize * scale, random.below(20) as usize * scale);
                match random.below(3) {
                    0 => {
                        contents.truncate(offset as u64).expect("there is memory");
                        model.resize(offset, 0);
                    }
                    1 => {
                        let from = vec![random.below(256) as u8; len_bytes];
                        assert_eq!(contents.write(offset as u64, &from), Ok(len_bytes));
                        if len_bytes > 0 {
                            model.resize(model.len().max(offset + len_bytes), 0);
                            model[offset..offset + len_bytes].copy_from_slice(&from);
                        }
                    }
                    _ => {
                        let mut into = vec![0; len_bytes];
                        let read = contents.read(offset as u64, &mut into).expect("nothing is mapped");
                        let expected = model.get(offset..).unwrap_or_default();
                        assert_eq!(into[..read], expected[..expected.len().min(len_bytes)]);
                    }
                }
                assert_eq!(contents.size_bytes(), model.len());
            }
        }
    }
}
