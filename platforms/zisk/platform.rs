//! ZisK (crates zisk-core and zisk-riscv 1.4.0-alpha): input, public output and a UART in memory; one host call, by which a
//! run ends.

use core::arch::asm;

use crate::platform_interface::{Platform, Stream};

/// The input's length, 8 bytes, read-only.
const INPUT_LENGTH: *const usize = 0x1000_0008 as *const usize;
/// The input, read-only.
const INPUT: *const u8 = 0x1000_0010 as *const u8;
/// A byte stored here is printed. Standard output and standard error share it.
const UART: *mut u8 = 0xa040_0200 as *mut u8;
/// The public output.
const OUTPUT: *mut u8 = 0xa041_0000 as *mut u8;
/// Room for it, bytes. A proof shows all of them, zeros behind the output.
const OUTPUT_BYTES: usize = 256;
/// How much of it there is: for engines (engines/README.md), no part of a proof.
const OUTPUT_LENGTH: *mut usize = 0xa041_0100 as *mut usize;

/// The one host call.
const EXIT: usize = 93;
/// The status of a run that the kernel ends.
const STOPPED: i32 = 123;

/// A run on ZisK.
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
        for &byte in bytes {
            // SAFETY: the address is the machine's UART.
            unsafe { UART.write_volatile(byte) }
        }
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        // SAFETY: the machine shows the input's length there, and that many bytes from INPUT on; no Rust object lies there.
        let count = unsafe {
            let rest = INPUT_LENGTH.read_volatile() - self.input_position;
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
            self.write_console(Stream::Error, b"zeroos: stop: ZisK has room for 256 bytes of public output only\n");
            self.exit(STOPPED);
        }
        // SAFETY: the room for the output begins at OUTPUT and has OUTPUT_BYTES; no Rust object lies there.
        unsafe { OUTPUT.add(self.output_bytes).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        self.output_bytes += bytes.len();
        // SAFETY: the word is behind that room, and nothing else uses it.
        unsafe { OUTPUT_LENGTH.write_volatile(self.output_bytes) };
    }

    fn exit(&mut self, status: i32) -> ! {
        let status = status.cast_unsigned() as usize;
        loop {
            // SAFETY: with this number the machine ends the run; should it ever go on, it has changed ra.
            unsafe { asm!("ecall", in("a7") EXIT, in("a0") status, out("ra") _, options(nostack)) }
        }
    }
}
