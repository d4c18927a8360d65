//! ZisK (crates `zisk-core` and `zisk-riscv` 1.4.0-alpha): input, output and UART at addresses; `ecall` 93 ends the run, and
//! any other `ecall` does nothing but change ra.

use super::private_input::PrivateInput;
use super::{A0, A7, Host, RA, Registers, value_at};
use crate::address::ByteCount;
use crate::machine::console::{Console, Stream};
use crate::machine::device::DeviceEffect;
use crate::machine::failure::HostFailure;
use crate::machine::memory::Memory;

/// The input's length; the bytes follow.
const INPUT_LENGTH: u64 = 0x1000_0008;
const INPUT: u64 = INPUT_LENGTH + 8;
const INPUT_END: u64 = 0x9000_0000;
const UART: u64 = 0xa040_0200;
const OUTPUT: u64 = 0xa041_0000;
const OUTPUT_SIZE: usize = 256;
/// Behind the output: how much of it there is. The proof shows all of it, so this is for the engine only (engines/README.md).
const OUTPUT_LENGTH: u64 = OUTPUT + OUTPUT_SIZE as u64;

/// Input, the UART and the output with its length.
pub(super) const ADDRESSES: [(u64, u64); 3] =
    [(INPUT_LENGTH - 8, INPUT_END), (UART, UART + 8), (OUTPUT, OUTPUT_LENGTH + 8)];

const EXIT: u64 = 93;

/// The host's side of a run.
pub(super) struct Zisk {
    input: PrivateInput,
    output: [u8; OUTPUT_SIZE + 8],
}

impl Default for Zisk {
    fn default() -> Zisk {
        Zisk { input: PrivateInput::default(), output: [0; OUTPUT_SIZE + 8] }
    }
}

impl Host for Zisk {
    fn load(&mut self, address: u64, size: usize, console: &mut dyn Console) -> Result<Option<u64>, HostFailure> {
        if let Some(offset) = inside(address, size, OUTPUT, OUTPUT_LENGTH + 8) {
            return Ok(Some(value_at(&self.output, offset, size)));
        }
        let Some(offset) = inside(address, size, INPUT_LENGTH - 8, INPUT_END) else { return Ok(None) };
        let bytes = self.input.bytes(console);
        let (there, room) = (bytes.len() as u64, INPUT_END - INPUT);
        if there > room {
            return Err(HostFailure::InputTooLarge { there: ByteCount(there), room: ByteCount(room) });
        }
        if offset >= 16 {
            return Ok(Some(value_at(bytes, offset - 16, size)));
        }
        let mut head = [0; 24];
        head[8..16].copy_from_slice(&there.to_le_bytes());
        head[16..].iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(Some(value_at(&head, offset, size)))
    }

    fn store(
        &mut self,
        address: u64,
        size: usize,
        value: u64,
        _memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<Option<DeviceEffect>, HostFailure> {
        if let Some(offset) = inside(address, size, OUTPUT, OUTPUT_LENGTH + 8) {
            self.output[offset..offset + size].copy_from_slice(&value.to_le_bytes()[..size]);
            return Ok(Some(DeviceEffect::None));
        }
        // Wider stores are plain memory there, and print nothing.
        if address == UART && size == 1 {
            console.write(Stream::Output, &[value as u8]);
        }
        Ok(inside(address, size, UART, UART + 8).map(|_| DeviceEffect::None))
    }

    fn takes_calls(&self) -> bool {
        true
    }

    fn call(
        &mut self,
        pc: u64,
        x: &mut Registers,
        _memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<DeviceEffect, HostFailure> {
        if x[A7] != EXIT {
            x[RA] = pc.wrapping_add(4);
            return Ok(DeviceEffect::None);
        }
        let length = value_at(&self.output, OUTPUT_SIZE, 8);
        let output = usize::try_from(length).ok().and_then(|length| self.output[..OUTPUT_SIZE].get(..length));
        console.write(Stream::Public, output.ok_or(HostFailure::OutputTooLarge(ByteCount(OUTPUT_SIZE as u64)))?);
        Ok(DeviceEffect::Exit(x[A0] as u32))
    }
}

/// Where the `size` bytes at `address` lie behind `start`, if they all lie before `end`.
fn inside(address: u64, size: usize, start: u64, end: u64) -> Option<usize> {
    (start <= address && address.checked_add(size as u64)? <= end).then(|| (address - start) as usize)
}
