//! A 16550 UART as QEMU's `virt` machine has it, without interrupts: the transmitter is always ready.

use super::input::Input;
use crate::machine::console::{Console, Stream};

/// The registers that keep what is written.
#[derive(Default)]
pub(super) struct Uart {
    interrupt_enable: u8,
    line_control: u8,
    modem_control: u8,
    scratch: u8,
    divisor: [u8; 2],
}

const LINE_CONTROL_DIVISOR_ACCESS: u8 = 0x80;
const LINE_STATUS_DATA_READY: u8 = 0x01;
const LINE_STATUS_TRANSMITTER_EMPTY: u8 = 0x60;
const INTERRUPT_NONE_PENDING: u8 = 0x01;

impl Uart {
    /// Reads the register at `offset`. A read of the receiver waits for input.
    pub(super) fn load(&self, offset: u64, input: &mut Input, console: &mut dyn Console) -> u8 {
        let divisor_access = self.line_control & LINE_CONTROL_DIVISOR_ACCESS != 0;
        match offset {
            0 | 1 if divisor_access => self.divisor[offset as usize],
            0 => input.next_byte(console).unwrap_or(0),
            1 => self.interrupt_enable,
            2 => INTERRUPT_NONE_PENDING,
            3 => self.line_control,
            4 => self.modem_control,
            5 => LINE_STATUS_TRANSMITTER_EMPTY | if input.has_next() { LINE_STATUS_DATA_READY } else { 0 },
            7 => self.scratch,
            _ => 0,
        }
    }

    /// Writes the register at `offset`.
    pub(super) fn store(&mut self, offset: u64, value: u8, console: &mut dyn Console) {
        let divisor_access = self.line_control & LINE_CONTROL_DIVISOR_ACCESS != 0;
        match offset {
            0 | 1 if divisor_access => self.divisor[offset as usize] = value,
            0 => console.write(Stream::Output, &[value]),
            1 => self.interrupt_enable = value,
            3 => self.line_control = value,
            4 => self.modem_control = value,
            7 => self.scratch = value,
            _ => {}
        }
    }
}
