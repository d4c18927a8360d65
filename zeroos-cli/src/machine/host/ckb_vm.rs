//! ckb-vm (crate `ckb-vm` 0.24.15): host calls with the number in a7 and the result in a0. Exit and debug print are the
//! chain's own; input, console and public output are numbers that the engine in `engines/` defines (engines/README.md).

use super::private_input::PrivateInput;
use super::{A0, A1, A2, A7, Host, Registers, write_out};
use crate::address::Address;
use crate::machine::console::{Console, Stream};
use crate::machine::device::DeviceEffect;
use crate::machine::failure::HostFailure;
use crate::machine::memory::Memory;

const EXIT: u64 = 93;
const DEBUG_PRINT: u64 = 2177;
const CONSOLE_WRITE: u64 = 23040;
const INPUT_LENGTH: u64 = 23041;
const INPUT_READ: u64 = 23042;
const PUBLIC_WRITE: u64 = 23043;

/// The host's side of a run.
#[derive(Default)]
pub(super) struct CkbVm {
    input: PrivateInput,
}

impl Host for CkbVm {
    fn takes_calls(&self) -> bool {
        true
    }

    fn call(
        &mut self,
        _pc: u64,
        x: &mut Registers,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<DeviceEffect, HostFailure> {
        let (a0, a1, a2) = (x[A0], x[A1], x[A2]);
        x[A0] = match x[A7] {
            // The chain looks at the status as an i8.
            EXIT => return Ok(DeviceEffect::Exit(u32::from(a0 as u8))),
            DEBUG_PRINT => {
                print_text(a0, memory, console)?;
                0
            }
            CONSOLE_WRITE => {
                let stream = match a0 {
                    1 => Stream::Output,
                    2 => Stream::Error,
                    _ => return Err(HostFailure::UnknownDescriptor(a0)),
                };
                write_out(a1, a2, stream, memory, console)?;
                0
            }
            INPUT_LENGTH => self.input.bytes(console).len() as u64,
            INPUT_READ => self.read(a0, a1, a2, memory, console)?,
            PUBLIC_WRITE => {
                write_out(a0, a1, Stream::Public, memory, console)?;
                0
            }
            number => return Err(HostFailure::UnknownCall(number)),
        };
        Ok(DeviceEffect::None)
    }
}

impl CkbVm {
    /// Copies at most `length` bytes of the input from `offset` on; how many there were.
    fn read(
        &mut self,
        address: u64,
        offset: u64,
        length: u64,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<u64, HostFailure> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.input.bytes(console).get(offset..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(usize::try_from(length).unwrap_or(usize::MAX));
        if memory.write_slice(address, &rest[..count]) {
            Ok(count as u64)
        } else {
            Err(HostFailure::Outside { address: Address(address), length })
        }
    }
}

/// Prints the text at `address`, which a zero ends, as a line.
fn print_text(address: u64, memory: &Memory, console: &mut dyn Console) -> Result<(), HostFailure> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        let at = address.wrapping_add(line.len() as u64);
        if !memory.read_slice(at, &mut byte) {
            return Err(HostFailure::Outside { address: Address(at), length: 1 });
        }
        if byte == [0] {
            break;
        }
        line.extend_from_slice(&byte);
    }
    line.push(b'\n');
    console.write(Stream::Error, &line);
    Ok(())
}
