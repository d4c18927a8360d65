//! SP1's host calls (crates sp1-core-executor and sp1-primitives 6.10.0): `ecall`, the number in t0, arguments in a0–a2, the
//! result in t0. What a proof shows of the public output is its SHA-256, which the guest computes and commits itself.

use core::arch::asm;

use crate::platform_interface::{Platform, Stream};
use crate::subsystems::sha256::Sha256;

const HALT: usize = 0x00;
const WRITE: usize = 0x02;
const COMMIT: usize = 0x10;
const COMMIT_DEFERRED: usize = 0x1a;
const HINT_LEN: usize = 0xf0;
const HINT_READ: usize = 0xf1;

/// The descriptor of the public output.
const PUBLIC: usize = 13;
/// What HINT_LEN answers when there is no input.
const NO_INPUT: usize = usize::MAX;
/// Words of 4 bytes in a digest.
const DIGEST_WORDS: usize = 8;

/// Where the input goes: HINT_READ wants memory that was never touched. `platform.toml` keeps it free.
const INPUT: usize = 0x1000_0000;

/// A run on SP1.
pub struct Board {
    /// Digest of the public output so far.
    public: Sha256,
    /// The input's length, once it was read.
    input_bytes: Option<usize>,
    /// How much of it was given away.
    input_position: usize,
}

impl Board {
    /// The machine as it is at reset.
    pub const fn new() -> Board {
        Board { public: Sha256::new(), input_bytes: None, input_position: 0 }
    }

    /// Has SP1 write the input to its place, the first time; its length.
    fn input_bytes(&mut self) -> usize {
        *self.input_bytes.get_or_insert_with(|| match host_call(HINT_LEN, 0, 0, 0) {
            0 | NO_INPUT => 0,
            len_bytes => {
                host_call(HINT_READ, INPUT, len_bytes, 0);
                len_bytes
            }
        })
    }
}

/// Calls SP1; what t0 becomes.
#[inline(always)]
fn host_call(number: usize, a0: usize, a1: usize, a2: usize) -> usize {
    let result;
    // SAFETY: SP1 changes t0 and, for HINT_READ, memory that nothing else uses; every other register keeps its value.
    unsafe { asm!("ecall", inlateout("t0") number => result, in("a0") a0, in("a1") a1, in("a2") a2, options(nostack)) };
    result
}

impl Platform for Board {
    fn write_console(&mut self, stream: Stream, bytes: &[u8]) {
        let descriptor = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        host_call(WRITE, descriptor, bytes.as_ptr().expose_provenance(), bytes.len());
    }

    fn read_input(&mut self, buffer: &mut [u8]) -> usize {
        let rest = self.input_bytes() - self.input_position;
        let count = rest.min(buffer.len());
        let from = core::ptr::with_exposed_provenance::<u8>(INPUT + self.input_position);
        // SAFETY: the bytes from INPUT on are the input, `rest` of them from `from` on, and no Rust object lies there.
        unsafe { from.copy_to_nonoverlapping(buffer.as_mut_ptr(), count) };
        self.input_position += count;
        count
    }

    fn write_output(&mut self, bytes: &[u8]) {
        self.public.update(bytes);
        host_call(WRITE, PUBLIC, bytes.as_ptr().expose_provenance(), bytes.len());
    }

    /// A failure proves nothing, so it needs no digest.
    fn exit(&mut self, status: i32) -> ! {
        if status == 0 {
            let digest = self.public.clone().finish();
            for (index, bytes) in digest.chunks_exact(4).enumerate() {
                let word = bytes.iter().rev().fold(0, |word, &byte| word << 8 | usize::from(byte));
                host_call(COMMIT, index, word, 0);
            }
            for index in 0..DIGEST_WORDS {
                host_call(COMMIT_DEFERRED, index, 0, 0);
            }
        }
        loop {
            host_call(HALT, status.cast_unsigned() as usize, 0, 0);
        }
    }
}
