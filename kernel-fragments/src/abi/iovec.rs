//! `struct iovec` (include/uapi/linux/uio.h): the scatter-gather lists of `readv` and its family.

use crate::errno::Errno;
use crate::user_memory::{UserAddress, UserMemory};

/// Bytes of one element: an address and a length.
pub const IOVEC_BYTES: usize = 16;

/// Most elements of a list (UIO_MAXIOV).
pub const MAX_ELEMENTS: u32 = 1024;

/// Most bytes that one call moves; what a list holds beyond is left out (MAX_RW_COUNT).
pub const MAX_TRANSFER_BYTES: usize = 0x7fff_f000;

/// One buffer of a list: an allegation, as every address a program gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoVector {
    /// First byte.
    pub address: UserAddress,
    /// Number of bytes.
    pub len_bytes: usize,
}

impl IoVector {
    /// Decodes one element; `None` if it does not have [`IOVEC_BYTES`].
    pub fn decode(element: &[u8]) -> Option<IoVector> {
        let (address, rest) = element.split_first_chunk()?;
        let (len_bytes, _) = rest.split_first_chunk()?;
        let address = UserAddress(u64::from_le_bytes(*address) as usize);
        Some(IoVector { address, len_bytes: u64::from_le_bytes(*len_bytes) as usize })
    }
}

/// The list of `count` elements at `address`, still encoded, once its rules hold.
///
/// # Errors
/// EINVAL for more than [`MAX_ELEMENTS`] or a length that is negative as `ssize_t`, EFAULT if the list is not readable.
/// An empty list is fine wherever it lies.
pub fn checked_list(memory: &impl UserMemory, address: UserAddress, count: u32) -> Result<&[u8], Errno> {
    if count > MAX_ELEMENTS {
        return Err(Errno::EINVAL);
    }
    let list = memory.slice(address, count as usize * IOVEC_BYTES)?;
    if elements(list).any(|element| element.len_bytes > isize::MAX as usize) {
        return Err(Errno::EINVAL);
    }
    Ok(list)
}

/// The elements of an encoded list, in order.
pub fn elements(list: &[u8]) -> impl Iterator<Item = IoVector> {
    list.chunks_exact(IOVEC_BYTES).filter_map(IoVector::decode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;
    use alloc::vec::Vec;

    #[test]
    fn lists_are_checked_as_a_whole() {
        let mut memory = FakeMemory::new(64);
        let list = memory.put(0, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        let expected = IoVector { address: UserAddress(1), len_bytes: 2 };
        let found: Vec<IoVector> = elements(checked_list(&memory, list, 1).expect("a good list")).collect();
        assert_eq!(found, [expected]);
        assert_eq!(checked_list(&memory, UserAddress::NULL, 0), Ok(&[][..]));
        assert_eq!(checked_list(&memory, UserAddress::NULL, 1), Err(Errno::EFAULT));
        assert_eq!(checked_list(&memory, list, 1025), Err(Errno::EINVAL));
        memory.put(8, &u64::MAX.to_le_bytes());
        assert_eq!(checked_list(&memory, list, 1), Err(Errno::EINVAL));
    }
}
