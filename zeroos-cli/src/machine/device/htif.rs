//! The host-target interface of Spike: the guest stores a request to `tohost`, the host answers in `fromhost`.
//!
//! A request is `device << 56 | command << 48 | payload`. Device 0: an odd payload exits with `payload >> 1`, an even
//! one is the address of eight words, a system call `[number, a0, a1, a2, …]` whose result replaces the first word.
//! Device 1 is the console: command 0 reads a byte, command 1 writes one.

use super::DeviceEffect;
use super::input::{END_OF_TRANSMISSION, Input};
use crate::machine::config::HtifAddresses;
use crate::machine::console::{Console, Stream};
use crate::machine::memory::Memory;

/// The interface; all state lies in guest memory.
pub(super) struct Htif {
    tohost: u64,
    fromhost: u64,
}

const SYS_READ: u64 = 63;
const SYS_WRITE: u64 = 64;
const SYS_EXIT: u64 = 93;
const EBADF: i64 = 9;
const EFAULT: i64 = 14;
const ENOSYS: i64 = 38;

/// Bytes moved between guest and host at once.
const CHUNK: usize = 4096;
/// What the console's answer to a read adds to the byte.
const CHARACTER_VALID: u64 = 0x100;

impl Htif {
    pub(super) fn new(addresses: HtifAddresses) -> Htif {
        Htif { tohost: addresses.tohost.0, fromhost: addresses.fromhost.0 }
    }

    pub(super) fn tohost(&self) -> u64 {
        self.tohost
    }

    /// Handles the request in `tohost` and clears the word.
    pub(super) fn written(&self, memory: &mut Memory, input: &mut Input, console: &mut dyn Console) -> DeviceEffect {
        let request = memory.read(self.tohost).map_or(0, u64::from_le_bytes);
        if request == 0 {
            return DeviceEffect::None;
        }
        memory.write(self.tohost, [0; 8]);
        let payload = request & ((1 << 48) - 1);
        match (request >> 56, request >> 48 & 0xff) {
            (0, 0) if payload & 1 == 1 => return DeviceEffect::Exit((payload >> 1) as u32),
            (0, 0) => return self.system_call(payload, memory, input, console),
            (1, 0) => {
                // Without an answer the guest would wait for ever: every read at the end is told so.
                let byte = input.next_byte(console).unwrap_or(END_OF_TRANSMISSION);
                self.answer(request & !payload | CHARACTER_VALID | u64::from(byte), memory);
            }
            (1, 1) => console.write(Stream::Output, &[payload as u8]),
            _ => {}
        }
        DeviceEffect::None
    }

    fn answer(&self, value: u64, memory: &mut Memory) {
        memory.write(self.fromhost, value.to_le_bytes());
    }

    fn system_call(
        &self,
        block: u64,
        memory: &mut Memory,
        input: &mut Input,
        console: &mut dyn Console,
    ) -> DeviceEffect {
        let mut bytes = [0; 64];
        if !memory.read_slice(block, &mut bytes) {
            self.answer(1, memory);
            return DeviceEffect::None;
        }
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte));
        }
        let [number, descriptor, address, length] = words;
        let result = match (number, descriptor) {
            (SYS_EXIT, status) => return DeviceEffect::Exit(status as u32),
            (SYS_WRITE, 1) => write(address, length, Stream::Output, memory, console),
            (SYS_WRITE, 2) => write(address, length, Stream::Error, memory, console),
            // Spike itself has no such descriptor, and answers so.
            (SYS_WRITE, 3) => write(address, length, Stream::Public, memory, console),
            (SYS_READ, 0) => read(address, length, memory, input, console),
            (SYS_READ | SYS_WRITE, _) => -EBADF,
            _ => -ENOSYS,
        };
        memory.write(block, result.to_le_bytes());
        self.answer(1, memory);
        DeviceEffect::None
    }
}

fn write(address: u64, length: u64, stream: Stream, memory: &Memory, console: &mut dyn Console) -> i64 {
    if !usize::try_from(length).is_ok_and(|size| memory.covers(address, size)) {
        return -EFAULT;
    }
    let mut chunk = [0; CHUNK];
    let mut done = 0;
    while done < length {
        let count = (length - done).min(CHUNK as u64) as usize;
        memory.read_slice(address + done, &mut chunk[..count]);
        console.write(stream, &chunk[..count]);
        done += count as u64;
    }
    length as i64
}

fn read(address: u64, length: u64, memory: &mut Memory, input: &mut Input, console: &mut dyn Console) -> i64 {
    let count = length.min(CHUNK as u64) as usize;
    if !memory.takes(address, count) {
        return -EFAULT;
    }
    if count == 0 || !input.has_next() {
        return 0;
    }
    let mut chunk = [0; CHUNK];
    let count = console.read(&mut chunk[..count]).min(count);
    memory.write_slice(address, &chunk[..count]);
    count as i64
}
