//! SP1's host calls (crates `sp1-core-executor` and `sp1-primitives` 6.10.0): `ecall` with the number in t0. The executor
//! leaves mistakes to the prover; here they end the run. Input that overwrites is noticed unless what it overwrites is zero.

use sha2::{Digest, Sha256};

use super::private_input::PrivateInput;
use super::{A0, A1, A2, Host, Registers, T0, for_each_chunk, write_out};
use crate::address::Address;
use crate::machine::console::{Console, Stream};
use crate::machine::device::DeviceEffect;
use crate::machine::failure::HostFailure;
use crate::machine::memory::Memory;

const HALT: u64 = 0x00;
const WRITE: u64 = 0x02;
const COMMIT: u64 = 0x10;
const COMMIT_DEFERRED: u64 = 0x1a;
const HINT_LEN: u64 = 0xf0;
const HINT_READ: u64 = 0xf1;

const FD_OUTPUT: u64 = 1;
const FD_ERROR: u64 = 2;
const FD_PUBLIC: u64 = 13;

/// What HINT_LEN answers when there is no input left.
const NO_INPUT: u64 = u64::MAX;
/// Words of 4 bytes in a digest.
const DIGEST_WORDS: usize = 8;

/// The host's side of a run.
#[derive(Default)]
pub(super) struct Sp1 {
    input: PrivateInput,
    input_consumed: bool,
    public: Sha256,
    committed: [Option<u64>; DIGEST_WORDS],
    deferred: [Option<u64>; DIGEST_WORDS],
}

impl Host for Sp1 {
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
        match x[T0] {
            HALT => {
                let status = a0 as u32;
                if status == 0 {
                    self.check_digests()?;
                }
                return Ok(DeviceEffect::Exit(status));
            }
            WRITE => self.write(a0, a1, a2, memory, console)?,
            HINT_LEN => {
                x[T0] = if self.input_consumed { NO_INPUT } else { self.input.bytes(console).len() as u64 };
            }
            HINT_READ => self.read(a0, a1, memory, console)?,
            COMMIT => *word(&mut self.committed, a0)? = Some(a1),
            COMMIT_DEFERRED => *word(&mut self.deferred, a0)? = Some(a1),
            number => return Err(HostFailure::UnknownCall(number)),
        }
        Ok(DeviceEffect::None)
    }
}

impl Sp1 {
    fn write(
        &mut self,
        descriptor: u64,
        address: u64,
        length: u64,
        memory: &Memory,
        console: &mut dyn Console,
    ) -> Result<(), HostFailure> {
        match descriptor {
            FD_OUTPUT => write_out(address, length, Stream::Output, memory, console),
            FD_ERROR => write_out(address, length, Stream::Error, memory, console),
            FD_PUBLIC => for_each_chunk(address, length, memory, |bytes| {
                self.public.update(bytes);
                console.write(Stream::Public, bytes);
            }),
            _ => Err(HostFailure::UnknownDescriptor(descriptor)),
        }
    }

    /// Whole words are written: one that the last bytes begin, or one more.
    fn read(
        &mut self,
        address: u64,
        length: u64,
        memory: &mut Memory,
        console: &mut dyn Console,
    ) -> Result<(), HostFailure> {
        if self.input_consumed {
            return Err(HostFailure::InputConsumed);
        }
        let bytes = self.input.bytes(console);
        let there = bytes.len() as u64;
        if length != there {
            return Err(HostFailure::InputLength { asked: length, there });
        }
        if !address.is_multiple_of(8) {
            return Err(HostFailure::InputMisaligned(Address(address)));
        }
        let mut words = bytes.to_vec();
        words.resize((bytes.len() / 8 + 1) * 8, 0);
        let mut before = vec![0; words.len()];
        if !memory.takes(address, words.len()) || !memory.read_slice(address, &mut before) {
            return Err(HostFailure::Outside { address: Address(address), length });
        }
        if let Some(at) = before.iter().position(|&byte| byte != 0) {
            return Err(HostFailure::InputOverwrites(Address(address + at as u64)));
        }
        memory.write_slice(address, &words);
        self.input_consumed = true;
        Ok(())
    }

    /// What a verifier goes by: the public output is bound to the proof by its committed digest alone.
    fn check_digests(&self) -> Result<(), HostFailure> {
        let digest = self.public.clone().finalize();
        for (index, bytes) in digest.chunks_exact(4).enumerate() {
            let expected = bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
            match self.committed[index] {
                None => return Err(HostFailure::DigestMissing(index as u8)),
                Some(word) if word != expected => return Err(HostFailure::DigestWrong(index as u8)),
                Some(_) => {}
            }
        }
        match self.deferred.iter().position(|&word| word != Some(0)) {
            None => Ok(()),
            Some(index) => Err(HostFailure::DeferredDigest(index as u8)),
        }
    }
}

fn word(digest: &mut [Option<u64>; DIGEST_WORDS], index: u64) -> Result<&mut Option<u64>, HostFailure> {
    digest.get_mut(index as usize).ok_or(HostFailure::DigestIndex(index))
}
