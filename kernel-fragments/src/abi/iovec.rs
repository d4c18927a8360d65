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
    /// Element `index` of the list at `list`.
    ///
    /// # Errors
    /// EFAULT if it is not readable.
    #[inline]
    pub fn read(memory: &impl UserMemory, list: UserAddress, index: u32) -> Result<IoVector, Errno> {
        let [address, len_bytes] = memory.read_pair(list.add(index as usize * IOVEC_BYTES))?;
        Ok(IoVector { address: UserAddress(address as usize), len_bytes: len_bytes as usize })
    }
}

/// Whether the list of `count` elements at `list` keeps its rules.
///
/// # Errors
/// EINVAL for more than [`MAX_ELEMENTS`] or a length that is negative as `ssize_t`, EFAULT if the list is not readable.
/// An empty list is fine wherever it lies.
#[inline]
pub fn check_list(memory: &impl UserMemory, list: UserAddress, count: u32) -> Result<(), Errno> {
    if count > MAX_ELEMENTS {
        return Err(Errno::EINVAL);
    }
    // The sign of a length is in an element's last byte.
    let mut elements = memory.slice(list, count as usize * IOVEC_BYTES)?.chunks_exact(IOVEC_BYTES);
    if elements.any(|element| element.last().is_some_and(|&byte| byte > 0x7f)) { Err(Errno::EINVAL) } else { Ok(()) }
}

/// As [`check_list`], for a list of buffers that are about to be read or written. Nothing is moved if one of them ends where no program can be;
/// one alone may be as long as it wants (lib/iov_iter.c, import_iovec).
///
/// # Errors
/// As [`check_list`]; EFAULT for such a buffer.
#[inline]
pub fn check_buffers(memory: &impl UserMemory, list: UserAddress, count: u32) -> Result<(), Errno> {
    if count > MAX_ELEMENTS {
        return Err(Errno::EINVAL);
    }
    // Nothing can be wrong with small addresses and lengths.
    let (elements, _) = memory.slice(list, count as usize * IOVEC_BYTES)?.as_chunks::<IOVEC_BYTES>();
    if elements.iter().any(|element| element[7] | element[15] != 0) { check_ends(memory, list, count) } else { Ok(()) }
}

#[cold]
fn check_ends(memory: &impl UserMemory, list: UserAddress, count: u32) -> Result<(), Errno> {
    check_list(memory, list, count)?;
    let most_bytes = if count == 1 { MAX_TRANSFER_BYTES } else { usize::MAX };
    for index in 0..count {
        let IoVector { address, len_bytes } = IoVector::read(memory, list, index)?;
        check_end(address, len_bytes.min(most_bytes))?;
    }
    Ok(())
}

/// Whether `len_bytes` bytes at `address` end where an address of a program can be (fs/read_write.c, access_ok).
///
/// # Errors
/// EFAULT.
pub fn check_end(address: UserAddress, len_bytes: usize) -> Result<(), Errno> {
    let end = address.0.checked_add(len_bytes).filter(|&end| end <= isize::MAX as usize);
    end.map(|_| ()).ok_or(Errno::EFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeMemory;

    #[test]
    fn every_buffer_ends_where_a_program_can_be() {
        let mut memory = FakeMemory::new(64);
        let (far, fault) = (isize::MAX as u64, Err(Errno::EFAULT));
        for (elements, expected) in [
            ([(1, 2), (far, 0)], Ok(())),
            ([(1, 2), (far, 1)], fault),
            ([(1, far), (1, 2)], fault),
            ([(1, far - 1), (1, 2)], Ok(())),
            ([(u64::MAX, 0), (1, 2)], fault),
            ([(far, 1), (1, u64::MAX)], Err(Errno::EINVAL)),
        ] {
            let words: [[u64; 2]; 2] = elements.map(|(address, len_bytes)| [address, len_bytes]);
            let list =
                memory.put(0, &words.concat().into_iter().flat_map(u64::to_le_bytes).collect::<alloc::vec::Vec<_>>());
            assert_eq!(check_buffers(&memory, list, 2), expected, "{elements:?}");
        }
        let list = memory.put(0, &[1, far].map(u64::to_le_bytes).concat());
        assert_eq!(check_buffers(&memory, list, 1), Ok(()), "it is cut first");
        let list = memory.put(0, &[far, far].map(u64::to_le_bytes).concat());
        assert_eq!(check_buffers(&memory, list, 1), fault);
        assert_eq!(check_buffers(&memory, UserAddress::NULL, 1), fault);
        assert_eq!(check_buffers(&memory, list, 1025), Err(Errno::EINVAL));
    }

    #[test]
    fn lists_are_checked_as_a_whole() {
        let mut memory = FakeMemory::new(64);
        let list = memory.put(0, &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        let expected = IoVector { address: UserAddress(1), len_bytes: 2 };
        assert_eq!(IoVector::read(&memory, list, 0), Ok(expected));
        assert_eq!(check_list(&memory, list, 1), Ok(()));
        assert_eq!(check_list(&memory, UserAddress::NULL, 0), Ok(()));
        assert_eq!(check_list(&memory, UserAddress::NULL, 1), Err(Errno::EFAULT));
        assert_eq!(check_list(&memory, list, 1025), Err(Errno::EINVAL));
        memory.put(8, &u64::MAX.to_le_bytes());
        assert_eq!(check_list(&memory, list, 1), Err(Errno::EINVAL));
    }
}
