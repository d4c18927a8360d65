//! Stand-ins for the host tests of handlers: a program's memory and a machine that only remember.
#![cfg(test)]

use crate::errno::Errno;
use crate::platform_interface::{Platform, Stream};
use crate::user_memory::{Reach, UserAddress, UserMemory};
use alloc::vec::Vec;
use core::ptr::NonNull;

/// A program's memory: one zero-filled range; everything around it is unmapped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FakeMemory {
    base: usize,
    bytes: Vec<u8>,
}

/// Where [`FakeMemory::new`] starts: not 0, so that the null pointer is a bad one.
pub const BASE: usize = 0x1_0000;

impl FakeMemory {
    /// `len_bytes` zero bytes at [`BASE`].
    pub fn new(len_bytes: usize) -> FakeMemory {
        FakeMemory::at(BASE, len_bytes)
    }

    /// `len_bytes` zero bytes at `base`.
    pub fn at(base: usize, len_bytes: usize) -> FakeMemory {
        FakeMemory { base, bytes: vec![0; len_bytes] }
    }

    /// The address `offset` bytes from the start.
    pub fn address(&self, offset: usize) -> UserAddress {
        UserAddress(self.base + offset)
    }

    /// The first address behind the range: using even one byte there is EFAULT.
    pub fn end(&self) -> UserAddress {
        self.address(self.bytes.len())
    }

    /// Puts `bytes` at `offset` and says where they are.
    pub fn put(&mut self, offset: usize, bytes: &[u8]) -> UserAddress {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.address(offset)
    }

    /// Puts `text` and a terminating zero at `offset` and says where it is.
    pub fn put_c_string(&mut self, offset: usize, text: &str) -> UserAddress {
        self.put(offset + text.len(), &[0]);
        self.put(offset, text.as_bytes())
    }

    /// The `len_bytes` bytes at `offset`.
    pub fn bytes(&self, offset: usize, len_bytes: usize) -> &[u8] {
        &self.bytes[offset..offset + len_bytes]
    }

    fn offset(&self, address: UserAddress, len_bytes: usize) -> Result<usize, Errno> {
        let offset = address.0.checked_sub(self.base).ok_or(Errno::EFAULT)?;
        match offset.checked_add(len_bytes) {
            Some(end) if end <= self.bytes.len() => Ok(offset),
            _ => Err(Errno::EFAULT),
        }
    }
}

impl UserMemory for FakeMemory {
    fn slice(&self, address: UserAddress, len_bytes: usize) -> Result<&[u8], Errno> {
        if len_bytes == 0 {
            return Ok(&[]);
        }
        let offset = self.offset(address, len_bytes)?;
        Ok(&self.bytes[offset..offset + len_bytes])
    }

    fn slice_mut(&mut self, address: UserAddress, len_bytes: usize) -> Result<&mut [u8], Errno> {
        if len_bytes == 0 {
            return Ok(&mut []);
        }
        let offset = self.offset(address, len_bytes)?;
        Ok(&mut self.bytes[offset..offset + len_bytes])
    }

    fn reach(&mut self, address: UserAddress, len_bytes: usize) -> Option<Reach> {
        let offset = self.offset(address, len_bytes).ok()?;
        // From the vector's own pointer, which later slices do not invalidate.
        Some(Reach { first: NonNull::new(self.bytes.as_mut_ptr().wrapping_add(offset))?, guard: None })
    }
}

/// A machine that records what is written and is fed from a buffer. Ending the run is a panic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FakePlatform {
    /// What went to [`Stream::Output`].
    pub output: Vec<u8>,
    /// What went to [`Stream::Error`].
    pub error: Vec<u8>,
    /// What went to the run's public output.
    pub public: Vec<u8>,
    /// What is still to be read.
    pub input: Vec<u8>,
}

impl FakePlatform {
    /// A machine with nothing to read.
    pub fn new() -> FakePlatform {
        FakePlatform::default()
    }

    /// A machine whose input is `input`.
    pub fn with_input(input: &[u8]) -> FakePlatform {
        FakePlatform { input: input.to_vec(), ..FakePlatform::default() }
    }
}

impl Platform for FakePlatform {
    fn write_console(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Output => self.output.extend_from_slice(bytes),
            Stream::Error => self.error.extend_from_slice(bytes),
        }
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        let len_bytes = buffer.len().min(self.input.len());
        buffer[..len_bytes].copy_from_slice(&self.input[..len_bytes]);
        self.input.drain(..len_bytes);
        len_bytes
    }

    fn write_output(&mut self, bytes: &[u8]) {
        self.public.extend_from_slice(bytes);
    }

    fn exit(&mut self, status: i32) -> ! {
        panic!("the run ended with status {status}")
    }
}

/// How many seeds a property test tries: `count`, or a few under Miri, which is some thousand times slower.
pub fn rounds(count: u64) -> u64 {
    if cfg!(miri) { 2 } else { count }
}

/// How many random steps each of them makes: `count`, or a tenth under Miri.
pub fn steps(count: usize) -> usize {
    if cfg!(miri) { count / 10 } else { count }
}

/// More bytes than any machine has; under Miri, which ends when it has not enough, more than there are addresses.
pub fn more_than_memory() -> u64 {
    if cfg!(miri) { u64::MAX } else { 1 << 62 }
}

/// A small deterministic generator (SplitMix64) for property tests.
#[derive(Clone, Debug)]
pub struct TestRandom(pub u64);

impl TestRandom {
    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next_u64() % limit
    }
}

#[test]
fn memory_ends_where_it_ends() {
    let mut memory = FakeMemory::new(16);
    assert_eq!(memory.write_u64(memory.address(8), 7), Ok(()));
    assert_eq!(memory.write_u64(memory.address(9), 7), Err(Errno::EFAULT));
    assert_eq!(memory.read_u32(UserAddress::NULL), Err(Errno::EFAULT));
    assert_eq!(memory.slice(UserAddress(usize::MAX), 2), Err(Errno::EFAULT));
    assert_eq!(memory.slice(UserAddress::NULL, 0), Ok(&[][..]));
    let name = memory.put_c_string(0, "abc");
    assert_eq!(memory.c_string(name, 16), Ok(&b"abc"[..]));
}
