//! Bytes that lie in several buffers of the program, one behind the other.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};
use alloc::vec::Vec;

/// Buffers: where each lies, and how long it is.
pub type Buffers = [(UserAddress, usize)];

/// How many bytes they hold.
pub fn total_bytes(buffers: &Buffers) -> usize {
    buffers.iter().fold(0, |sum, (_, len_bytes)| sum.saturating_add(*len_bytes))
}

/// Copies `bytes` to what follows the first `skipped_bytes` of the buffers; EFAULT.
pub fn scatter(
    memory: &mut impl UserMemory,
    buffers: &Buffers,
    mut skipped_bytes: usize,
    mut bytes: &[u8],
) -> Result<(), Errno> {
    for &(address, len_bytes) in buffers {
        let skip = skipped_bytes.min(len_bytes);
        skipped_bytes -= skip;
        let (part, rest) = bytes.split_at_checked((len_bytes - skip).min(bytes.len())).unwrap_or((bytes, &[]));
        memory.write(address.add(skip), part)?;
        bytes = rest;
    }
    Ok(())
}

/// What follows the first `skipped_bytes` of the buffers; EFAULT.
pub fn gather(memory: &impl UserMemory, buffers: &Buffers, mut skipped_bytes: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    for &(address, len_bytes) in buffers {
        let skip = skipped_bytes.min(len_bytes);
        skipped_bytes -= skip;
        let part = memory.slice(address.add(skip), len_bytes - skip)?;
        bytes.try_reserve(part.len()).map_err(|_| Errno::ENOMEM)?;
        bytes.extend_from_slice(part);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn there_and_back() {
        let mut memory = FakeMemory::new(64);
        let buffers = [(memory.address(8), 3), (UserAddress(8), 0), (memory.address(32), 5)];
        assert_eq!(total_bytes(&buffers), 8);
        assert_eq!(scatter(&mut memory, &buffers, 1, b"abcd"), Ok(()));
        assert_eq!((memory.bytes(8, 3), memory.bytes(32, 3)), (&b"\0ab"[..], &b"cd\0"[..]));
        assert_eq!(gather(&memory, &buffers, 2), Ok(b"bcd\0\0\0".to_vec()));
        assert_eq!(gather(&memory, &[(UserAddress(8), 1)], 0), Err(Errno::EFAULT));
    }
}
