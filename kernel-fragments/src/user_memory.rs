//! The program's memory as handlers see it: every access names an address and a length and is checked against the
//! program's regions first, or fails with EFAULT.

use crate::abi::memory::{PROT_READ, PROT_WRITE};
use crate::errno::Errno;
use core::ptr::NonNull;

/// An address the program gave: an allegation. Nothing is known of what lies there, if anything does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UserAddress(pub usize);

impl UserAddress {
    /// The null pointer.
    pub const NULL: UserAddress = UserAddress(0);

    /// Whether it is the null pointer.
    pub const fn is_null(self) -> bool {
        self.0 == 0
    }

    /// `bytes` further up, wrapping: what is not the program's is found when it is used.
    pub const fn add(self, bytes: usize) -> UserAddress {
        UserAddress(self.0.wrapping_add(bytes))
    }
}

/// Bytes of the program that the kernel reads and writes later, whatever the program itself may do with them then.
#[derive(Clone, Copy)]
pub struct Reach {
    /// Where they are.
    pub first: NonNull<u8>,
    /// Who lets the kernel do that, where a machine would not, and knows pages without a file's bytes.
    pub guard: Option<&'static dyn Guard>,
}

/// What keeps the program from pages, seen from a file that shares them with it.
pub trait Guard {
    /// Does `work`, while which the page that holds `address`, which is mapped, can be read and written.
    fn open(&self, address: usize, work: &mut dyn FnMut());

    /// Whether the mapped pages of `start..end` lie behind the end of their file: then nobody has access, and an access of the program
    /// is a SIGBUS. What they allow otherwise is kept.
    fn set_beyond_file(&self, start: usize, end: usize, is_beyond: bool);
}

/// Access to the program's memory. No method panics, whatever the address or length; a length of 0 always succeeds.
pub trait UserMemory {
    /// The `len_bytes` bytes at `address`, to read.
    ///
    /// # Errors
    /// EFAULT if any of them is not the program's.
    fn slice(&self, address: UserAddress, len_bytes: usize) -> Result<&[u8], Errno>;

    /// The `len_bytes` bytes at `address`, to write.
    ///
    /// # Errors
    /// EFAULT if any of them is not the program's.
    fn slice_mut(&mut self, address: UserAddress, len_bytes: usize) -> Result<&mut [u8], Errno>;

    /// Whether the program could have memory at all these addresses, whatever is mapped there now.
    #[inline(always)]
    fn can_hold(&self, address: UserAddress, len_bytes: usize) -> bool {
        self.slice(address, len_bytes).is_ok()
    }

    /// Has the machine allow `access` (PROT_ bits) on the pages of `start..end` (page-aligned) from now on, to the program and
    /// to this trait; `None` if nothing is mapped there. Nothing happens where the program can have no memory, nor on machines
    /// without page protection.
    #[inline(always)]
    fn set_access(&mut self, start: usize, end: usize, access: Option<u8>) {
        let _ = (start, end, access);
    }

    /// The `len_bytes` bytes at `address`, to be read and written later, between calls of this trait, by who sees to it that no
    /// slice of them is alive then. `None` if the program could not have memory there.
    fn reach(&mut self, address: UserAddress, len_bytes: usize) -> Option<Reach> {
        Some(Reach { first: NonNull::new(self.slice_mut(address, len_bytes).ok()?.as_mut_ptr())?, guard: None })
    }

    /// Zeroes the pages of `start..end` (page-aligned), and leaves them readable and writable. Errors as
    /// [`slice_mut`](Self::slice_mut).
    #[inline(never)]
    fn zero_pages(&mut self, start: usize, end: usize) -> Result<(), Errno> {
        self.set_access(start, end, Some((PROT_READ | PROT_WRITE) as u8));
        self.slice_mut(UserAddress(start), end.saturating_sub(start))?.fill(0);
        Ok(())
    }

    /// Whether the machine refused an access to `address` for the protection of a page that is mapped there.
    fn is_protected(&self, address: UserAddress) -> bool {
        let _ = address;
        false
    }

    /// Whether the machine refused an access to `address` because the page is mapped behind the end of its file.
    fn is_beyond_file(&self, address: UserAddress) -> bool {
        let _ = address;
        false
    }

    /// Copies `bytes` to `address`. Errors as [`slice_mut`](Self::slice_mut).
    fn write(&mut self, address: UserAddress, bytes: &[u8]) -> Result<(), Errno> {
        self.slice_mut(address, bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// As [`write`](Self::write), where that is quick: `None`, and nothing is written, for an address that needs a longer
    /// look. `bytes` are not the program's.
    fn write_quickly(&mut self, address: UserAddress, bytes: &[u8]) -> Option<()> {
        self.write(address, bytes).ok()
    }

    /// Copies `N` bytes from `address`. Errors as [`slice`](Self::slice).
    fn read<const N: usize>(&self, address: UserAddress) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.slice(address, N)?);
        Ok(bytes)
    }

    /// The little-endian 32-bit word at `address`. Errors as [`slice`](Self::slice).
    fn read_u32(&self, address: UserAddress) -> Result<u32, Errno> {
        self.read(address).map(u32::from_le_bytes)
    }

    /// The little-endian 64-bit word at `address`. Errors as [`slice`](Self::slice).
    fn read_u64(&self, address: UserAddress) -> Result<u64, Errno> {
        self.read(address).map(u64::from_le_bytes)
    }

    /// As [`read_u64`](Self::read_u64), where that is quick: `None` for an address that needs a longer look.
    fn read_u64_quickly(&self, address: UserAddress) -> Option<u64> {
        self.read_u64(address).ok()
    }

    /// As [`read_u32`](Self::read_u32), where that is quick: `None` for an address that needs a longer look.
    fn read_u32_quickly(&self, address: UserAddress) -> Option<u32> {
        self.read_u32(address).ok()
    }

    /// The two little-endian 64-bit words at `address`. Errors as [`slice`](Self::slice).
    fn read_pair(&self, address: UserAddress) -> Result<[u64; 2], Errno> {
        Ok([self.read_u64(address)?, self.read_u64(address.add(8))?])
    }

    /// As [`write_u32`](Self::write_u32), where that is quick: `None`, and nothing written, for an address that needs a longer
    /// look.
    fn write_u32_quickly(&mut self, address: UserAddress, value: u32) -> Option<()> {
        self.write_u32(address, value).ok()
    }

    /// Writes a little-endian 32-bit word. Errors as [`slice_mut`](Self::slice_mut).
    fn write_u32(&mut self, address: UserAddress, value: u32) -> Result<(), Errno> {
        self.write(address, &value.to_le_bytes())
    }

    /// Writes a little-endian 64-bit word. Errors as [`slice_mut`](Self::slice_mut).
    fn write_u64(&mut self, address: UserAddress, value: u64) -> Result<(), Errno> {
        self.write_words(address, [value])
    }

    /// Writes little-endian 64-bit words, all or none. Errors as [`slice_mut`](Self::slice_mut).
    fn write_words<const N: usize>(&mut self, address: UserAddress, words: [u64; N]) -> Result<(), Errno> {
        self.write_words_by_bytes(address, words)
    }

    /// As [`write_words`](Self::write_words), where that is quick: `None`, and nothing is written, for an address that needs
    /// a longer look.
    fn write_words_quickly<const N: usize>(&mut self, address: UserAddress, words: [u64; N]) -> Option<()> {
        self.write_words(address, words).ok()
    }

    /// [`write_words`](Self::write_words) for any alignment.
    fn write_words_by_bytes<const N: usize>(&mut self, address: UserAddress, words: [u64; N]) -> Result<(), Errno> {
        let bytes = self.slice_mut(address, 8 * N)?;
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        Ok(())
    }

    /// The bytes from `address` up to, not including, the first zero byte.
    ///
    /// # Errors
    /// EFAULT if memory that is not the program's comes first; ENAMETOOLONG if no zero is among the first `limit`
    /// bytes.
    fn c_string(&self, address: UserAddress, limit: usize) -> Result<&[u8], Errno> {
        // Nearly always there is memory for the longest one.
        if let Ok(bytes) = self.slice(address, limit) {
            let len_bytes = bytes.iter().position(|&byte| byte == 0).ok_or(Errno::ENAMETOOLONG)?;
            return bytes.get(..len_bytes).ok_or(Errno::ENAMETOOLONG);
        }
        for len_bytes in 0..limit {
            if self.slice(address.add(len_bytes), 1)?[0] == 0 {
                return self.slice(address, len_bytes);
            }
        }
        Err(Errno::ENAMETOOLONG)
    }
}
