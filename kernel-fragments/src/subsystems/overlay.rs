//! What lies over the contents of a file that is mapped to be shared, without what it takes to be mapped: kernels whose program
//! maps no file have only this. What does is `file_windows.rs`.

use crate::errno::Refusal;
use crate::subsystems::node::Contents;
use alloc::rc::Rc;
use core::any::Any;

/// Where the bytes of a file are the program's memory, too. Offsets are the file's.
pub trait Overlay {
    /// Puts what the program may have written from `offset` on into `into`, which holds what was written by calls.
    ///
    /// # Errors
    /// Unsupported: `into` lies there.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), Refusal>;

    /// Shows the program what was written at `offset` to a file that had `old_size_bytes` bytes; a gap between is zero.
    ///
    /// # Errors
    /// Unsupported: `from` lies there.
    fn write(&self, old_size_bytes: usize, offset: usize, from: &[u8]) -> Result<(), Refusal>;

    /// Shows the program that the file had `old_size_bytes` bytes and has `size_bytes` now: zeros behind what it had and has.
    fn resize(&self, old_size_bytes: usize, size_bytes: usize);

    /// Has `contents` take over all that the program may have written.
    fn settle(&self, contents: &Contents);

    /// It as what it is.
    fn into_any(self: Rc<Self>) -> Rc<dyn Any>;
}
