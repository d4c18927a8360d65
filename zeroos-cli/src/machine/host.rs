//! Hosts: what serves a zkVM's guest beside memory and instructions, by host calls or at addresses of its own. One file
//! each; what they do is what the real machines do, and where those fail to notice a mistake, the host here ends the run.

mod ckb_vm;
mod jolt;
mod private_input;
mod sp1;
mod zisk;
mod zkvm_standard;

use super::console::{Console, Stream};
use super::device::DeviceEffect;
use super::failure::HostFailure;
use super::memory::Memory;
use crate::address::{Address, AddressRange};
use crate::platform::HostInterface;

/// The integer registers as hosts see them: a host writes a0, t0 or ra.
pub(super) type Registers = [u64; 256];

const RA: usize = 1;
const T0: usize = 5;
const A0: usize = 10;
const A1: usize = 11;
const A2: usize = 12;
const A7: usize = 17;

/// A machine's host. What a method does not implement is not there.
pub(super) trait Host {
    /// A load of `size` bytes outside RAM; `None` if nothing is there.
    fn load(&mut self, address: u64, size: usize, console: &mut dyn Console) -> Result<Option<u64>, HostFailure> {
        let _ = (address, size, console);
        Ok(None)
    }

    /// A store of `size` bytes outside RAM; `None` if nothing is there.
    fn store(
        &mut self,
        address: u64,
        size: usize,
        value: u64,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<Option<DeviceEffect>, HostFailure> {
        let _ = (address, size, value, memory, console);
        Ok(None)
    }

    /// Whether `ecall` is a call to the host.
    fn takes_calls(&self) -> bool {
        false
    }

    /// Serves an `ecall`.
    fn call(
        &mut self,
        pc: u64,
        x: &mut Registers,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<DeviceEffect, HostFailure> {
        let _ = (pc, memory, console);
        Err(HostFailure::UnknownCall(x[A7]))
    }

    /// Serves the instruction `bits`, which RISC-V does not define; `None` if the machine does not, either.
    fn instruction(
        &mut self,
        bits: u32,
        x: &mut Registers,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Option<Result<DeviceEffect, HostFailure>> {
        let _ = (bits, x, memory, console);
        None
    }
}

/// The host of a machine.
pub(super) fn new(interface: HostInterface) -> Box<dyn Host> {
    match interface {
        HostInterface::ZkvmStandard => Box::<zkvm_standard::ZkvmStandard>::default(),
        HostInterface::Sp1 => Box::<sp1::Sp1>::default(),
        HostInterface::Zisk => Box::<zisk::Zisk>::default(),
        HostInterface::CkbVm => Box::<ckb_vm::CkbVm>::default(),
        HostInterface::Jolt => Box::<jolt::Jolt>::default(),
    }
}

/// The addresses that the host takes for itself: no RAM can be there.
pub(super) fn addresses(interface: HostInterface) -> Vec<AddressRange> {
    let ranges: &[(u64, u64)] = match interface {
        HostInterface::ZkvmStandard => &[zkvm_standard::ADDRESSES],
        HostInterface::Sp1 | HostInterface::CkbVm => &[],
        HostInterface::Zisk => &zisk::ADDRESSES,
        HostInterface::Jolt => &[jolt::ADDRESSES],
    };
    ranges.iter().filter_map(|&(start, end)| AddressRange::between(Address(start), Address(end))).collect()
}

/// Bytes that are moved between guest and host at once.
const CHUNK: usize = 4096;

/// Passes the guest's `length` bytes at `address` to `stream`.
fn write_out(
    address: u64,
    length: u64,
    stream: Stream,
    memory: &Memory,
    console: &mut dyn Console,
) -> Result<(), HostFailure> {
    for_each_chunk(address, length, memory, |bytes| console.write(stream, bytes))
}

/// Hands the guest's `length` bytes at `address` to `take`, in order.
fn for_each_chunk(address: u64, length: u64, memory: &Memory, mut take: impl FnMut(&[u8])) -> Result<(), HostFailure> {
    let outside = HostFailure::Outside { address: Address(address), length };
    if !usize::try_from(length).is_ok_and(|size| memory.covers(address, size)) {
        return Err(outside);
    }
    let mut chunk = [0; CHUNK];
    let mut done = 0;
    while done < length {
        let count = (length - done).min(CHUNK as u64) as usize;
        memory.read_slice(address + done, &mut chunk[..count]);
        take(&chunk[..count]);
        done += count as u64;
    }
    Ok(())
}

/// The little-endian value of the first `size` bytes of `bytes` from `offset` on; what is not there is zero.
fn value_at(bytes: &[u8], offset: usize, size: usize) -> u64 {
    let there = bytes.get(offset..).unwrap_or_default();
    there.iter().take(size).rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}
