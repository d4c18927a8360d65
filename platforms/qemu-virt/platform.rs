//! QEMU's `virt` board: a 16550 UART for console and input, SiFive's test finisher to end the run.

use crate::DEVICE_OFFSET;
use crate::platform_interface::{Platform, Stream};

/// Transmit holding (write) and receiver buffer (read) register.
const UART_DATA: *mut u8 = (0x1000_0000 + DEVICE_OFFSET) as *mut u8;
/// Line status register.
const UART_STATUS: *mut u8 = (0x1000_0005 + DEVICE_OFFSET) as *mut u8;
/// Line status: a byte has been received.
const DATA_READY: u8 = 1 << 0;
/// Line status: the next byte may be sent.
const TRANSMIT_EMPTY: u8 = 1 << 5;
/// A serial line has no end of file: as on a terminal, this byte stands for it.
const END_OF_TRANSMISSION: u8 = 0x04;

/// The test finisher's one register (QEMU hw/misc/sifive_test.c).
const FINISHER: *mut u32 = (0x10_0000 + DEVICE_OFFSET) as *mut u32;
const FINISHER_PASS: u32 = 0x5555;
const FINISHER_FAIL: u32 = 0x3333;

/// A `virt` board.
pub struct Board {
    input_ended: bool,
}

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board { input_ended: false }
    }
}

impl Platform for Board {
    fn write_console(&mut self, _stream: Stream, bytes: &[u8]) {
        for &byte in bytes {
            // SAFETY: both addresses are the board's UART; reading the status has no effect on it.
            unsafe {
                while UART_STATUS.read_volatile() & TRANSMIT_EMPTY == 0 {}
                UART_DATA.write_volatile(byte);
            }
        }
    }

    /// A line at a time, as a terminal gives it: what has arrived so far depends on the host, and a program that could see
    /// that would not execute the same instructions every time.
    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        let mut count = 0;
        for slot in buffer {
            if self.input_ended {
                break;
            }
            // SAFETY: both addresses are the board's UART; a byte is taken only when one is there.
            let byte = unsafe {
                while UART_STATUS.read_volatile() & DATA_READY == 0 {}
                UART_DATA.read_volatile()
            };
            if byte == END_OF_TRANSMISSION {
                self.input_ended = true;
                break;
            }
            *slot = byte;
            count += 1;
            if byte == b'\n' {
                break;
            }
        }
        count
    }

    fn write_output(&mut self, bytes: &[u8]) {
        self.write_console(Stream::Output, bytes);
    }

    fn exit(&mut self, status: i32) -> ! {
        let word = match status {
            0 => FINISHER_PASS,
            _ => status.cast_unsigned() << 16 | FINISHER_FAIL,
        };
        loop {
            // SAFETY: the address is the board's test finisher; the store ends the run.
            unsafe { FINISHER.write_volatile(word) }
        }
    }
}
