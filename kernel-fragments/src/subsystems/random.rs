//! The program's random numbers: the ChaCha20 key stream (RFC 8439, section 2.3) of the committed seed, the 32 bytes of
//! which are the key; nonce 0, from block 0 on.

/// Bytes of a block of key stream.
const BLOCK_BYTES: usize = 64;

/// The place in the stream.
#[derive(Debug)]
pub struct RandomStream {
    /// The number of the next block.
    next_block: u64,
    /// The last block's bytes, of which those from `used` on are still to be given out.
    block: [u8; BLOCK_BYTES],
    used: usize,
}

impl RandomStream {
    /// The stream from its start.
    pub const fn new() -> RandomStream {
        RandomStream { next_block: 0, block: [0; BLOCK_BYTES], used: BLOCK_BYTES }
    }

    /// The seed of a stream of its own: the next bytes of the stream of `seed`.
    pub fn split(&mut self, seed: [u64; 4]) -> [u64; 4] {
        [(); 4].map(|()| {
            let mut bytes = [0; 8];
            self.fill(seed, &mut bytes);
            u64::from_le_bytes(bytes)
        })
    }

    /// Fills `bytes` from the stream of `seed`, which is always the same one.
    pub fn fill(&mut self, seed: [u64; 4], bytes: &mut [u8]) {
        for byte in bytes {
            if self.used >= BLOCK_BYTES {
                self.block = key_stream_block(seed, self.next_block);
                self.next_block += 1;
                self.used = 0;
            }
            if let Some(next) = self.block.get_mut(self.used) {
                *byte = core::mem::take(next); // given out once
            }
            self.used += 1;
        }
    }
}

/// Block `counter` of the key stream of `seed`; the upper half of the counter is the first word of the nonce.
fn key_stream_block(seed: [u64; 4], counter: u64) -> [u8; BLOCK_BYTES] {
    let [a, b, c, d] = seed;
    let low = |word: u64| word as u32;
    let high = |word: u64| (word >> 32) as u32;
    let start = [
        [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574], // "expand 32-byte k"
        [low(a), high(a), low(b), high(b)],
        [low(c), high(c), low(d), high(d)],
        [low(counter), high(counter), 0, 0],
    ];
    chacha20_block(start)
}

/// The ChaCha20 block function on the state's four rows.
fn chacha20_block(start: [[u32; 4]; 4]) -> [u8; BLOCK_BYTES] {
    let mut rows = start;
    for _ in 0..10 {
        quarter_rounds(&mut rows);
        let [_, b, c, d] = &mut rows; // columns to diagonals
        (*b, *c, *d) = (turned(*b), turned(turned(*c)), turned(turned(turned(*d))));
        quarter_rounds(&mut rows);
        let [_, b, c, d] = &mut rows; // and back
        (*b, *c, *d) = (turned(turned(turned(*b))), turned(turned(*c)), turned(*d));
    }
    let mut block = [0; BLOCK_BYTES];
    let words = rows.as_flattened().iter().zip(start.as_flattened());
    for (bytes, (word, first)) in block.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.wrapping_add(*first).to_le_bytes());
    }
    block
}

/// A quarter round on each column.
fn quarter_rounds([a, b, c, d]: &mut [[u32; 4]; 4]) {
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(16);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(12);
        *a = a.wrapping_add(*b);
        *d = (*d ^ *a).rotate_left(8);
        *c = c.wrapping_add(*d);
        *b = (*b ^ *c).rotate_left(7);
    }
}

/// `row` with its first word at the end.
fn turned([a, b, c, d]: [u32; 4]) -> [u32; 4] {
    [b, c, d, a]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.3.2.
    #[test]
    fn the_published_block() {
        let key =
            |first: u32| [0, 4, 8, 12].map(|more| u32::from_le_bytes([0, 1, 2, 3].map(|i| (first + more + i) as u8)));
        let start =
            [[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574], key(0), key(16), [1, 0x0900_0000, 0x4a00_0000, 0]];
        let expected: [u32; 16] = [
            0xe4e7_f110,
            0x1559_3bd1,
            0x1fdd_0f50,
            0xc471_20a3,
            0xc7f4_d1c7,
            0x0368_c033,
            0x9aaa_2204,
            0x4e6c_d4c3,
            0x4664_82d2,
            0x09aa_9f07,
            0x05d7_c214,
            0xa202_8bd9,
            0xd19c_12b5,
            0xb94e_16de,
            0xe883_d0cb,
            0x4e3c_50a2,
        ];
        assert_eq!(chacha20_block(start).as_slice(), expected.map(u32::to_le_bytes).as_flattened());
    }

    /// RFC 8439, appendix A.1, test vectors 1 and 2: key and nonce 0, blocks 0 and 1.
    #[test]
    fn the_stream_starts_at_block_0_and_runs_on() {
        let (mut stream, seed) = (RandomStream::new(), [0; 4]);
        let mut bytes = [0; 80];
        stream.fill(seed, &mut bytes[..3]);
        stream.fill(seed, &mut bytes[3..]);
        assert_eq!(bytes[..8], [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
        assert_eq!(bytes[64..72], [0x9f, 0x07, 0xe7, 0xbe, 0x55, 0x51, 0x38, 0x7a]);
    }
}
