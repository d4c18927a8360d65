//! The device of the `zkvm-standard` platform: four words of 8 bytes. The zkVM standard leaves to each vendor how
//! `read_input`, `write_output` and the end of a run reach the machine; `platforms/zkvm-standard/README.md` describes ours.

use super::{Host, write_out};
use crate::address::Address;
use crate::machine::console::{Console, Stream};
use crate::machine::device::DeviceEffect;
use crate::machine::failure::HostFailure;
use crate::machine::memory::Memory;

const BASE: u64 = 0x1000_0000;
/// Where the words lie.
pub(super) const ADDRESSES: (u64, u64) = (BASE, BASE + 0x20);

const BUFFER: u64 = 0x00;
const LENGTH: u64 = 0x08;
const COMMAND: u64 = 0x10;
const EXIT: u64 = 0x18;

const WRITE_CONSOLE: u64 = 1;
const WRITE_CONSOLE_ERROR: u64 = 2;
const WRITE_OUTPUT: u64 = 3;
const READ_INPUT: u64 = 4;

/// What was written to the words.
#[derive(Default)]
pub(super) struct ZkvmStandard {
    buffer: u64,
    length: u64,
}

impl Host for ZkvmStandard {
    fn load(&mut self, address: u64, size: usize, _console: &mut dyn Console) -> Result<Option<u64>, HostFailure> {
        Ok(word(address, size).map(|word| match word {
            BUFFER => self.buffer,
            LENGTH => self.length,
            _ => 0,
        }))
    }

    fn store(
        &mut self,
        address: u64,
        size: usize,
        value: u64,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<Option<DeviceEffect>, HostFailure> {
        let Some(word) = word(address, size) else { return Ok(None) };
        match word {
            BUFFER => self.buffer = value,
            LENGTH => self.length = value,
            COMMAND => self.command(value, memory, console)?,
            _ => return Ok(Some(DeviceEffect::Exit(value as u32))),
        }
        Ok(Some(DeviceEffect::None))
    }
}

impl ZkvmStandard {
    fn command(&mut self, command: u64, memory: &mut Memory, console: &mut dyn Console) -> Result<(), HostFailure> {
        let stream = match command {
            WRITE_CONSOLE => Stream::Output,
            WRITE_CONSOLE_ERROR => Stream::Error,
            WRITE_OUTPUT => Stream::Public,
            READ_INPUT => {
                self.length = read(self.buffer, self.length, memory, console)?;
                return Ok(());
            }
            _ => return Err(HostFailure::UnknownCall(command)),
        };
        write_out(self.buffer, self.length, stream, memory, console)
    }
}

/// The word that an aligned access of 8 bytes names.
fn word(address: u64, size: usize) -> Option<u64> {
    let offset = address.checked_sub(BASE)?;
    (size == 8 && offset <= EXIT && offset.is_multiple_of(8)).then_some(offset)
}

/// Fills the `length` bytes at `address` with input and says how much there was.
fn read(address: u64, length: u64, memory: &mut Memory, console: &mut dyn Console) -> Result<u64, HostFailure> {
    if !usize::try_from(length).is_ok_and(|size| memory.takes(address, size)) {
        return Err(HostFailure::Outside { address: Address(address), length });
    }
    let mut chunk = [0; super::CHUNK];
    let mut done = 0;
    while done < length {
        let wanted = (length - done).min(super::CHUNK as u64) as usize;
        let count = console.read(&mut chunk[..wanted]).min(wanted);
        memory.write_slice(address + done, &chunk[..count]);
        done += count as u64;
        if count < wanted {
            break;
        }
    }
    Ok(done)
}
