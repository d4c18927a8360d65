//! SHA-256 (FIPS 180-4) of bytes that come one after another, for platforms whose proofs show a digest of the public output.

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;
/// Bytes that are compressed at once.
const BLOCK_BYTES: usize = 64;
/// Where the length lies in the last block, behind the padding.
const LENGTH_AT: usize = BLOCK_BYTES - 8;

/// FIPS 180-4, section 5.3.3: the fractional parts of the square roots of the first 8 primes.
const INITIAL: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// Section 4.2.2: the fractional parts of the cube roots of the first 64 primes.
#[rustfmt::skip]
const ROUNDS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];

/// The digest of no bytes: runs that make nothing public need not compute it.
#[rustfmt::skip]
const OF_NOTHING: [u8; DIGEST_BYTES] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The digest of the bytes so far.
#[derive(Clone)]
pub struct Sha256 {
    state: [u32; 8],
    /// What has not filled a block yet, in front.
    block: [u8; BLOCK_BYTES],
    /// How many bytes there were.
    len_bytes: u64,
}

impl Sha256 {
    /// Of no bytes.
    pub const fn new() -> Sha256 {
        Sha256 { state: INITIAL, block: [0; BLOCK_BYTES], len_bytes: 0 }
    }

    /// More bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let at = self.filled();
            let (taken, behind) = rest.split_at(rest.len().min(BLOCK_BYTES - at));
            if let Some(place) = self.block.get_mut(at..at + taken.len()) {
                place.copy_from_slice(taken);
            }
            self.len_bytes += taken.len() as u64;
            if self.filled() == 0 {
                compress(&mut self.state, &self.block);
            }
            rest = behind;
        }
    }

    /// The digest.
    pub fn finish(self) -> [u8; DIGEST_BYTES] {
        if self.len_bytes == 0 { OF_NOTHING } else { self.padded() }
    }

    fn padded(mut self) -> [u8; DIGEST_BYTES] {
        // Section 5.1.1: a one, zeros up to the last 8 bytes of a block, the length in bits.
        let bits = self.len_bytes.wrapping_mul(8);
        let at = self.filled();
        self.block[at] = 0x80;
        self.block[at + 1..].fill(0);
        if at >= LENGTH_AT {
            compress(&mut self.state, &self.block);
            self.block.fill(0);
        }
        self.block[LENGTH_AT..].copy_from_slice(&bits.to_be_bytes());
        compress(&mut self.state, &self.block);
        let mut digest = [0; DIGEST_BYTES];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    /// How much of the block there is.
    fn filled(&self) -> usize {
        self.len_bytes as usize % BLOCK_BYTES
    }
}

/// Section 6.2.2: takes one block into the state.
#[inline(never)]
fn compress(state: &mut [u32; 8], block: &[u8; BLOCK_BYTES]) {
    let mut schedule = [0_u32; 64];
    for (word, bytes) in schedule.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, &byte| word << 8 | u32::from(byte));
    }
    for at in 16..64 {
        let (early, late) = (schedule[at - 15], schedule[at - 2]);
        let sigma0 = early.rotate_right(7) ^ early.rotate_right(18) ^ early >> 3;
        let sigma1 = late.rotate_right(17) ^ late.rotate_right(19) ^ late >> 10;
        schedule[at] = schedule[at - 16].wrapping_add(sigma0).wrapping_add(schedule[at - 7]).wrapping_add(sigma1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (&constant, &word) in ROUNDS.iter().zip(&schedule) {
        let sum1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = e & f ^ !e & g;
        let one = h.wrapping_add(sum1).wrapping_add(choice).wrapping_add(constant).wrapping_add(word);
        let sum0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = a & b ^ a & c ^ b & c;
        let two = sum0.wrapping_add(majority);
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(one), c, b, a, one.wrapping_add(two));
    }
    for (old, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *old = old.wrapping_add(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_that() {
        assert_eq!(Sha256::new().padded(), OF_NOTHING);
    }
    use crate::testing::TestRandom;

    fn digest(bytes: &[u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(bytes);
        hash.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// NIST's example values ("SHA-256 Examples") and the empty message.
    #[test]
    fn published_vectors() {
        assert_eq!(digest(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(
            digest(b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        // A million bytes take Miri an hour.
        if cfg!(miri) {
            return;
        }
        assert_eq!(digest(&vec![b'a'; 1_000_000]), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    /// However the bytes come, and wherever the padding falls.
    #[test]
    fn pieces_make_the_same_digest() {
        let mut random = TestRandom(7);
        // Miri takes its time: for it, where a block or the room for the length behind it is just full, and around that.
        let interesting = vec![0, 1, 55, 56, 63, 64, 65, 119, 120, 200];
        let lens = if cfg!(miri) { interesting } else { (0..=200).chain([1000, 4096]).collect() };
        for len_bytes in lens {
            let bytes: Vec<u8> = (0..len_bytes).map(|_| random.below(256) as u8).collect();
            let mut hash = Sha256::new();
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at(random.below(rest.len() as u64 + 1) as usize);
                hash.update(piece);
                rest = behind;
            }
            let pieces: String = hash.finish().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(pieces, digest(&bytes), "{len_bytes}");
        }
    }
}
