//! Takes the place of `fifos.rs` in kernels without `mknodat`: there are none.

use crate::errno::Refusal;
use crate::subsystems::open_file::File;
use alloc::boxed::Box;

/// A FIFO that cannot be, so that no code is left that opens one.
pub enum Fifo {}

/// Nobody opens one.
pub struct FifoOpening;

impl FifoOpening {
    /// Nobody does.
    pub const fn new() -> FifoOpening {
        FifoOpening
    }
}

#[allow(missing_docs)] // as in `fifos.rs`
impl Fifo {
    pub fn open<O, N>(&self, _opening: &mut O, _node: N, _flags: u32) -> Result<Box<dyn File>, Refusal> {
        match *self {}
    }
}
