//! What a platform gives the kernel. A platform folder's `platform.rs` defines `pub struct Board` with
//! `pub const fn new() -> Board` and implements this for it; the kernel uses nothing else of the machine. On a platform with
//! `[translation]` a device lies at its address plus `crate::DEVICE_OFFSET`, which is 0 in kernels without a page table.

/// Where console bytes go. A machine with one console merges them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Descriptor 1.
    Output,
    /// Descriptor 2, and the kernel's own messages.
    Error,
}

/// The machine under the kernel.
pub trait Platform {
    /// Called once, before anything else.
    fn init(&mut self) {}

    /// Writes all of `bytes` to the console; cannot fail.
    fn write_console(&mut self, stream: Stream, bytes: &[u8]);

    /// Reads up to `buffer.len()` bytes of the run's input (standard input); 0 is its end, for good.
    fn read_input(&mut self, buffer: &mut [u8]) -> usize;

    /// Appends `bytes` to the run's public output, where the machine has such a thing.
    fn write_output(&mut self, bytes: &[u8]);

    /// Ends the run: 0 is success, all else failure.
    fn exit(&mut self, status: i32) -> !;
}
