//! The generated kernel's [`UserMemory`]: the program's own addresses, checked against the ranges that the builder
//! gave it.
//!
//! The check is coarse: it keeps the kernel away from everything that is not the program's, but does not know
//! protections, nor what is unmapped inside a range. It never looks at the kernel's own memory: no range holds it.
#![allow(unsafe_code)]

use crate::boot_info::{BootInfo, PROGRAM_RANGES, Range};
use crate::errno::Errno;
use crate::user_memory::{Reach, UserAddress, UserMemory};
use core::ptr::{self, NonNull};
use core::slice;

hook!(boot => start);

/// The memory of the one program.
#[derive(Debug)]
pub struct ProgramMemory {
    ranges: &'static [Range; PROGRAM_RANGES],
}

impl ProgramMemory {
    /// No memory, until [`start`] ran.
    pub const fn new() -> ProgramMemory {
        ProgramMemory { ranges: &[Range::NOWHERE; PROGRAM_RANGES] }
    }

    #[inline(always)]
    fn is_the_programs(&self, address: UserAddress, len_bytes: usize) -> bool {
        let [first, second, others @ ..] = self.ranges;
        let holds = |range: &Range| range.holds(address.0, len_bytes);
        holds(first) || holds(second) || is_in_any(others, address.0, len_bytes)
    }

    /// As [`aligned`](Self::aligned), for at most a page, but looks only at the ranges in which nearly everything lies.
    #[inline(always)]
    fn aligned_quickly<T>(&self, address: UserAddress) -> Option<*mut T> {
        let [first, second, ..] = self.ranges;
        // An aligned address is not the last one, nor does any range end below a page.
        let holds = |range: &Range| range.holds_few(address.0, size_of::<T>());
        let fits = address.0.is_multiple_of(align_of::<T>()) && (holds(first) || holds(second));
        fits.then(|| ptr::with_exposed_provenance_mut(address.0))
    }

    /// A pointer to the `T` at `address`, if it is the program's and aligned.
    #[inline(always)]
    fn aligned<T>(&self, address: UserAddress) -> Option<*mut T> {
        let fits = address.0.is_multiple_of(align_of::<T>()) && self.is_the_programs(address, size_of::<T>());
        fits.then(|| ptr::with_exposed_provenance_mut(address.0))
    }
}

/// Out of line: most programs have two ranges.
#[cold]
#[inline(never)]
fn is_in_any(ranges: &[Range; PROGRAM_RANGES - 2], address: usize, len_bytes: usize) -> bool {
    ranges.iter().any(|range| range.holds(address, len_bytes))
}

/// The little-endian number of `len_bytes` (at most 8) at `address`.
#[cold]
#[inline(never)]
fn read_by_bytes(memory: &ProgramMemory, address: UserAddress, len_bytes: usize) -> Result<u64, Errno> {
    let bytes = memory.slice(address, len_bytes)?;
    Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// [`UserMemory::write`] out of line.
#[cold]
#[inline(never)]
fn write_by_bytes(memory: &mut ProgramMemory, address: UserAddress, bytes: &[u8]) -> Result<(), Errno> {
    memory.write(address, bytes)
}

/// Learns the program's ranges.
pub fn start(memory: &mut ProgramMemory, boot: &'static BootInfo) {
    memory.ranges = &boot.program_ranges;
}

impl UserMemory for ProgramMemory {
    fn slice(&self, address: UserAddress, len_bytes: usize) -> Result<&[u8], Errno> {
        if len_bytes == 0 {
            return Ok(&[]);
        }
        if !self.is_the_programs(address, len_bytes) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: the bytes lie in one of the builder's program ranges: memory that exists for the whole run, is not
        // null (a range never starts at 0), and that no Rust object of the kernel occupies. Every bit pattern is a
        // `u8`. While the borrow of `self` lasts the program does not run, and nobody else writes: the one other way
        // to these bytes, `slice_mut`, needs `self` exclusively.
        Ok(unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(address.0), len_bytes) })
    }

    fn slice_mut(&mut self, address: UserAddress, len_bytes: usize) -> Result<&mut [u8], Errno> {
        if len_bytes == 0 {
            return Ok(&mut []);
        }
        if !self.is_the_programs(address, len_bytes) {
            return Err(Errno::EFAULT);
        }
        // SAFETY: as in `slice`; `self` is borrowed exclusively, so no other slice of these bytes is alive.
        Ok(unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address.0), len_bytes) })
    }

    fn reach(&mut self, address: UserAddress, len_bytes: usize) -> Option<Reach> {
        // No reference is made, so none ends what this pointer may do.
        let holds = self.is_the_programs(address, len_bytes);
        let first = NonNull::new(ptr::with_exposed_provenance_mut(address.0)).filter(|_| holds)?;
        Some(Reach { first, guard: None })
    }

    // Words are nearly always aligned: one access instead of one for each byte.

    fn read_u32(&self, address: UserAddress) -> Result<u32, Errno> {
        match self.aligned::<u32>(address) {
            // SAFETY: as in `slice`, and aligned.
            Some(word) => Ok(u32::from_le(unsafe { word.read() })),
            None => read_by_bytes(self, address, 4).map(|number| number as u32),
        }
    }

    fn read_u64(&self, address: UserAddress) -> Result<u64, Errno> {
        match self.aligned::<u64>(address) {
            // SAFETY: as in `slice`, and aligned.
            Some(word) => Ok(u64::from_le(unsafe { word.read() })),
            None => read_by_bytes(self, address, 8),
        }
    }

    #[inline]
    fn read_u64_quickly(&self, address: UserAddress) -> Option<u64> {
        let word = self.aligned_quickly::<u64>(address)?;
        // SAFETY: as in `slice`, and aligned.
        Some(u64::from_le(unsafe { word.read() }))
    }

    #[inline]
    fn read_u32_quickly(&self, address: UserAddress) -> Option<u32> {
        let word = self.aligned_quickly::<u32>(address)?;
        // SAFETY: as in `slice`, and aligned.
        Some(u32::from_le(unsafe { word.read() }))
    }

    #[inline]
    fn read_pair(&self, address: UserAddress) -> Result<[u64; 2], Errno> {
        match self.aligned::<[u64; 2]>(address) {
            // SAFETY: as in `slice`, and aligned.
            Some(words) => Ok(unsafe { words.read() }.map(u64::from_le)),
            None => Ok([read_by_bytes(self, address, 8)?, read_by_bytes(self, address.add(8), 8)?]),
        }
    }

    fn write_u32(&mut self, address: UserAddress, value: u32) -> Result<(), Errno> {
        match self.aligned::<u32>(address) {
            Some(word) => {
                // SAFETY: as in `slice_mut`, and aligned.
                unsafe { word.write(value.to_le()) };
                Ok(())
            }
            None => write_by_bytes(self, address, &value.to_le_bytes()),
        }
    }

    #[inline(always)]
    fn write_quickly(&mut self, address: UserAddress, bytes: &[u8]) -> Option<()> {
        let [first, second, ..] = self.ranges;
        if !first.holds(address.0, bytes.len()) && !second.holds(address.0, bytes.len()) {
            return None;
        }
        // SAFETY: as in `slice_mut`; `bytes` is the kernel's or the image's, so it lies elsewhere.
        unsafe {
            ptr::with_exposed_provenance_mut::<u8>(address.0).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
        Some(())
    }

    #[inline]
    fn write_u32_quickly(&mut self, address: UserAddress, value: u32) -> Option<()> {
        let place = self.aligned_quickly::<u32>(address)?;
        // SAFETY: as in `slice_mut`, and aligned.
        unsafe { place.write(value.to_le()) };
        Some(())
    }

    #[inline]
    fn write_words_quickly<const N: usize>(&mut self, address: UserAddress, words: [u64; N]) -> Option<()> {
        let place = self.aligned_quickly::<[u64; N]>(address)?;
        // SAFETY: as in `slice_mut`, and aligned.
        unsafe { place.write(words.map(u64::to_le)) };
        Some(())
    }

    fn write_words<const N: usize>(&mut self, address: UserAddress, words: [u64; N]) -> Result<(), Errno> {
        match self.aligned::<[u64; N]>(address) {
            Some(place) => {
                // SAFETY: as in `slice_mut`, and aligned.
                unsafe { place.write(words.map(u64::to_le)) };
                Ok(())
            }
            None => self.write_words_by_bytes(address, words),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::boxed::Box;
    use alloc::vec;

    #[test]
    fn reaches_its_ranges_and_nothing_else() {
        let bytes = Box::leak(vec![0u8; 64].into_boxed_slice());
        let base = bytes.as_mut_ptr().expose_provenance();
        let range = Range { start: base as u64 + 8, end: base as u64 + 40 };
        let boot = Box::leak(Box::new(BootInfo { program_ranges: [range; 4], ..BootInfo::default() }));
        let mut memory = ProgramMemory::new();
        let first = UserAddress(base + 8);
        assert_eq!(memory.read_u64(first), Err(Errno::EFAULT));
        start(&mut memory, boot);
        assert_eq!(memory.write_u64(first, 5), Ok(()));
        assert_eq!(memory.read_u64(first), Ok(5));
        assert!(memory.slice(first, 32).is_ok());
        for (offset, len_bytes) in [(7, 1), (7, 2), (8, 33), (40, 1), (39, 2)] {
            assert_eq!(memory.slice(UserAddress(base + offset), len_bytes), Err(Errno::EFAULT));
        }
        assert_eq!(memory.slice_mut(UserAddress(usize::MAX), usize::MAX), Err(Errno::EFAULT));
        assert_eq!(memory.slice_mut(UserAddress::NULL, 0), Ok(&mut [][..]));
        for offset in 8..24 {
            let address = UserAddress(base + offset);
            assert_eq!(memory.write_words(address, [0x0102_0304_0506_0708, 9]), Ok(()));
            assert_eq!((memory.read_u64(address), memory.read_u64(address.add(8))), (Ok(0x0102_0304_0506_0708), Ok(9)));
            assert_eq!(memory.read_pair(address), Ok([0x0102_0304_0506_0708, 9]));
            assert_eq!(memory.write_u32(address, 0xaabb_ccdd), Ok(()));
            assert_eq!(
                (memory.read_u32(address), memory.read_u64(address)),
                (Ok(0xaabb_ccdd), Ok(0x0102_0304_aabb_ccdd))
            );
        }
        for offset in [0, 4, 25, 32, 40] {
            assert_eq!(memory.write_words(UserAddress(base + offset), [1, 2]), Err(Errno::EFAULT), "{offset}");
        }
        assert_eq!(memory.read_u32(UserAddress(base + 37)), Err(Errno::EFAULT));
        assert_eq!(memory.read_pair(UserAddress(base + 32)), Err(Errno::EFAULT));
    }
}
