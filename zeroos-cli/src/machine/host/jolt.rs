//! Jolt's devices in its default memory map (a16z/jolt, `common/src/jolt_device.rs`), and the instruction that prints.
//!
//! Jolt's input and output are bytes without a length. So both start with one, 8 bytes, little-endian: a convention of ours.

use super::private_input::PrivateInput;
use super::{A0, A1, A2, Host, Registers, value_at, write_out};
use crate::address::ByteCount;
use crate::machine::console::{Console, Stream};
use crate::machine::device::DeviceEffect;
use crate::machine::failure::HostFailure;
use crate::machine::memory::Memory;
use crate::platform::HostInterface;

/// Advice (which nobody gives here), input, output, panic and termination, and zeros up to the RAM.
pub(super) const ADDRESSES: (u64, u64) = (0x7fff_8000, 0x8000_0000);
const INPUT: u64 = 0x7fff_a000;
const OUTPUT: u64 = 0x7fff_b000;
const PANIC: u64 = 0x7fff_c000;
const TERMINATION: u64 = 0x7fff_c008;
const TERMINATION_END: u64 = TERMINATION + 8;

/// Room for input, and for output, bytes.
const ROOM: usize = (OUTPUT - INPUT) as usize;
/// What precedes the bytes: their length.
const LENGTH_SIZE: usize = 8;

/// In a0: print a1's text of a2 bytes.
const PRINT: u64 = 0x50_5249;

/// The host's side of a run.
pub(super) struct Jolt {
    input: PrivateInput,
    output: [u8; ROOM],
    /// What was stored to the panic word: Jolt knows only that something was.
    panic: Option<u8>,
}

impl Default for Jolt {
    fn default() -> Jolt {
        Jolt { input: PrivateInput::default(), output: [0; ROOM], panic: None }
    }
}

impl Host for Jolt {
    fn load(&mut self, address: u64, size: usize, console: &mut dyn Console) -> Result<Option<u64>, HostFailure> {
        let (start, end) = ADDRESSES;
        if !(start..end).contains(&address) || !address.is_multiple_of(size as u64) {
            return Ok(None);
        }
        Ok(Some(match address {
            INPUT..OUTPUT => {
                let bytes = self.input.bytes(console);
                let (there, room) = (bytes.len(), ROOM - LENGTH_SIZE);
                if there > room {
                    return Err(HostFailure::InputTooLarge {
                        there: ByteCount(there as u64),
                        room: ByteCount(room as u64),
                    });
                }
                match (address - INPUT) as usize {
                    offset @ 0..LENGTH_SIZE => value_at(&there.to_le_bytes(), offset, size),
                    offset => value_at(bytes, offset - LENGTH_SIZE, size),
                }
            }
            OUTPUT..PANIC => value_at(&self.output, (address - OUTPUT) as usize, size),
            PANIC => u64::from(self.panic.is_some()),
            _ => 0,
        }))
    }

    fn store(
        &mut self,
        address: u64,
        size: usize,
        value: u64,
        _memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<Option<DeviceEffect>, HostFailure> {
        if !address.is_multiple_of(size as u64) {
            return Ok(None);
        }
        match address {
            OUTPUT..PANIC => {
                let offset = (address - OUTPUT) as usize;
                self.output[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
            }
            PANIC => self.panic = Some(value as u8),
            TERMINATION => return self.end(console).map(Some),
            // Only the first byte of each word means anything.
            _ if (PANIC..TERMINATION_END).contains(&address) => {}
            _ => return Ok(None),
        }
        Ok(Some(DeviceEffect::None))
    }

    fn instruction(
        &mut self,
        bits: u32,
        x: &mut Registers,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Option<Result<DeviceEffect, HostFailure>> {
        (HostInterface::Jolt.instruction() == Some(bits)).then(|| match x[A0] {
            PRINT => write_out(x[A1], x[A2], Stream::Output, memory, console).map(|()| DeviceEffect::None),
            number => Err(HostFailure::UnknownCall(number)),
        })
    }
}

impl Jolt {
    /// The run ends: publishes the output. A panic that says no status is 1.
    fn end(&self, console: &mut dyn Console) -> Result<DeviceEffect, HostFailure> {
        let length = value_at(&self.output, 0, LENGTH_SIZE);
        let bytes = usize::try_from(length).ok().and_then(|length| self.output[LENGTH_SIZE..].get(..length));
        let room = ByteCount((ROOM - LENGTH_SIZE) as u64);
        console.write(Stream::Public, bytes.ok_or(HostFailure::OutputTooLarge(room))?);
        Ok(DeviceEffect::Exit(self.panic.map_or(0, |status| u32::from(status.max(1)))))
    }
}
