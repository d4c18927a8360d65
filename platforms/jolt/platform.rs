//! Jolt's devices in its default memory map (a16z/jolt, common/src/jolt_device.rs): input, output, a word for a panic and
//! one that ends the run. Input and output are bytes without a length, so both start with one: README.md.

use core::arch::asm;

use crate::platform_interface::{Platform, Stream};

/// The input's length, a convention of ours; read-only, as the bytes behind it.
const INPUT_LENGTH: *const usize = 0x7fff_a000 as *const usize;
const INPUT: *const u8 = 0x7fff_a008 as *const u8;
/// The output's length, a convention of ours, and the output.
const OUTPUT_LENGTH: *mut usize = 0x7fff_b000 as *mut usize;
const OUTPUT: *mut u8 = 0x7fff_b008 as *mut u8;
/// Room for the output, bytes.
const OUTPUT_BYTES: usize = 0x1000 - 8;
/// A store says that the guest failed. Jolt does not look at the value; the built-in machine takes it for the status.
const PANIC: *mut u8 = 0x7fff_c000 as *mut u8;
/// A store of 1, and a jump to itself behind it, end the run.
const TERMINATION: *mut u8 = 0x7fff_c008 as *mut u8;

/// The host call that prints, and what it prints: text.
const PRINT: usize = 0x50_5249;
const PRINT_TEXT: usize = 1;
/// The status of a run that the kernel ends.
const STOPPED: i32 = 123;

/// A run on Jolt.
pub struct Board {
    /// How much of the input was given away.
    input_position: usize,
    /// How much output there is.
    output_bytes: usize,
}

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board { input_position: 0, output_bytes: 0 }
    }
}

impl Platform for Board {
    fn write_console(&mut self, _stream: Stream, bytes: &[u8]) {
        // SAFETY: the instruction reads the text and changes nothing.
        unsafe {
            asm!(
                ".insn i 0x5b, 2, x0, x0, 0",
                in("a0") PRINT,
                in("a1") bytes.as_ptr(),
                in("a2") bytes.len(),
                in("a3") PRINT_TEXT,
                options(nostack, readonly)
            )
        }
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        // SAFETY: the machine shows the input's length there, and that many bytes from INPUT on; no Rust object lies there.
        let count = unsafe {
            let rest = INPUT_LENGTH.read_volatile().saturating_sub(self.input_position);
            let count = rest.min(buffer.len());
            INPUT.add(self.input_position).copy_to_nonoverlapping(buffer.as_mut_ptr(), count);
            count
        };
        self.input_position += count;
        count
    }

    /// What does not fit would not be in the proof: the run ends.
    fn write_output(&mut self, bytes: &[u8]) {
        if bytes.len() > OUTPUT_BYTES - self.output_bytes {
            self.write_console(Stream::Error, b"zeroos: stop: Jolt has room for 4088 bytes of public output only\n");
            self.exit(STOPPED);
        }
        // SAFETY: the room for the output begins at OUTPUT and has OUTPUT_BYTES; no Rust object lies there.
        unsafe { OUTPUT.add(self.output_bytes).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.output_bytes += bytes.len();
        // SAFETY: the word is before that room, and nothing else uses it.
        unsafe { OUTPUT_LENGTH.write_volatile(self.output_bytes) };
    }

    fn exit(&mut self, status: i32) -> ! {
        if status != 0 {
            let low = status.cast_unsigned() as u8;
            // SAFETY: the address is the machine's word for a panic.
            unsafe { PANIC.write_volatile(low.max(1)) };
        }
        // SAFETY: the address is the machine's word that ends a run.
        unsafe { TERMINATION.write_volatile(1) };
        loop {}
    }
}
