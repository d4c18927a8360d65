//! The device of `zkvm-standard`: four words that hand whole buffers to the machine. README.md describes them.

use crate::platform_interface::{Platform, Stream};

/// Where a buffer starts.
const BUFFER: *mut usize = 0x1000_0000 as *mut usize;
/// How long it is; after a read, how much of it was filled.
const LENGTH: *mut usize = 0x1000_0008 as *mut usize;
/// What to do with it: a store does it.
const COMMAND: *mut usize = 0x1000_0010 as *mut usize;
/// A store ends the run with that status.
const EXIT: *mut usize = 0x1000_0018 as *mut usize;

const WRITE_CONSOLE: usize = 1;
const WRITE_CONSOLE_ERROR: usize = 2;
const WRITE_OUTPUT: usize = 3;
const READ_INPUT: usize = 4;

/// The machine; it has no state of ours.
pub struct Board;

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board
    }
}

/// Has the machine carry out `command` on the `len_bytes` bytes at `address`.
fn transfer(command: usize, address: usize, len_bytes: usize) {
    // SAFETY: the three words are the machine's device; it reaches the buffer only, which the caller owns or may read.
    unsafe {
        BUFFER.write_volatile(address);
        LENGTH.write_volatile(len_bytes);
        COMMAND.write_volatile(command);
    }
}

impl Platform for Board {
    fn write_console(&mut self, stream: Stream, bytes: &[u8]) {
        let command = match stream {
            Stream::Output => WRITE_CONSOLE,
            Stream::Error => WRITE_CONSOLE_ERROR,
        };
        transfer(command, bytes.as_ptr().expose_provenance(), bytes.len());
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        transfer(READ_INPUT, buffer.as_mut_ptr().expose_provenance(), buffer.len());
        // SAFETY: the word is the machine's device; reading it has no effect.
        let filled = unsafe { LENGTH.read_volatile() };
        filled.min(buffer.len())
    }

    fn write_output(&mut self, bytes: &[u8]) {
        transfer(WRITE_OUTPUT, bytes.as_ptr().expose_provenance(), bytes.len());
    }

    fn exit(&mut self, status: i32) -> ! {
        loop {
            // SAFETY: the word is the machine's device; the store ends the run.
            unsafe { EXIT.write_volatile(status.cast_unsigned() as usize) }
        }
    }
}
