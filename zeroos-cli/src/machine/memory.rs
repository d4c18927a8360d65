//! RAM: a few regions at any address. Accesses may be misaligned and may cross from a region into one that adjoins it.

use super::config::ConfigError;
use crate::address::{AddressRange, ByteCount};

/// All RAM of the machine.
pub(super) struct Memory {
    /// The region of the last access: nearly always the region of the next.
    current: Region,
    others: Vec<Region>,
}

#[derive(Default)]
struct Region {
    start: u64,
    bytes: Vec<u8>,
}

impl Region {
    /// The place of the `size` bytes at `address` in `bytes`, if they are all here.
    fn find(&self, address: u64, size: usize) -> Option<std::ops::Range<usize>> {
        let offset = usize::try_from(address.checked_sub(self.start)?).ok()?;
        let end = offset.checked_add(size)?;
        (end <= self.bytes.len()).then_some(offset..end)
    }
}

impl Memory {
    /// Zeroed RAM. The host commits a page only when it is first written.
    pub(super) fn new(ranges: &[AddressRange]) -> Result<Memory, ConfigError> {
        let total = ByteCount(ranges.iter().fold(0, |sum: u64, range| sum.saturating_add(range.size().0)));
        let mut others = Vec::new();
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let size = usize::try_from(range.size().0).map_err(|_| ConfigError::TooMuchRam(total))?;
            // `vec!` gives lazily zeroed pages but aborts when there are none: ask first.
            Vec::<u8>::new().try_reserve_exact(size).map_err(|_| ConfigError::TooMuchRam(total))?;
            others.push(Region { start: range.start().0, bytes: vec![0; size] });
        }
        Ok(Memory { current: others.pop().unwrap_or_default(), others })
    }

    /// The `N` bytes at `address`.
    #[inline(always)]
    pub(super) fn read<const N: usize>(&mut self, address: u64) -> Option<[u8; N]> {
        let offset = address.wrapping_sub(self.current.start) as usize;
        match self.current.bytes.get(offset..offset.wrapping_add(N)) {
            Some(bytes) => bytes.try_into().ok(),
            None => self.read_elsewhere(address),
        }
    }

    /// Stores `bytes` at `address`; false, and nothing is stored, unless all of it is RAM.
    #[inline(always)]
    pub(super) fn write<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> bool {
        let offset = address.wrapping_sub(self.current.start) as usize;
        match self.current.bytes.get_mut(offset..offset.wrapping_add(N)) {
            Some(place) => {
                place.copy_from_slice(&bytes);
                true
            }
            None => self.write_elsewhere(address, bytes),
        }
    }

    #[cold]
    #[inline(never)]
    fn read_elsewhere<const N: usize>(&mut self, address: u64) -> Option<[u8; N]> {
        self.switch_to(address);
        let mut bytes = [0; N];
        self.read_slice(address, &mut bytes).then_some(bytes)
    }

    #[cold]
    #[inline(never)]
    fn write_elsewhere<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> bool {
        self.switch_to(address);
        self.write_slice(address, &bytes)
    }

    /// Makes the region that holds `address`, if there is one, the current region.
    fn switch_to(&mut self, address: u64) {
        if let Some(region) = self.others.iter_mut().find(|region| region.find(address, 1).is_some()) {
            std::mem::swap(region, &mut self.current);
        }
    }

    /// Copies RAM at `address` into `buffer`; false, and nothing is copied, unless all of it is RAM.
    pub(super) fn read_slice(&self, address: u64, buffer: &mut [u8]) -> bool {
        if !self.covers(address, buffer.len()) {
            return false;
        }
        let mut done = 0;
        while done < buffer.len() {
            let Some((region, offset)) = self.place(address + done as u64) else { return false };
            let bytes = &self.region(region).bytes[offset..];
            let count = bytes.len().min(buffer.len() - done);
            buffer[done..done + count].copy_from_slice(&bytes[..count]);
            done += count;
        }
        true
    }

    /// Copies `bytes` into RAM at `address`; false, and nothing is copied, unless all of it is RAM.
    pub(super) fn write_slice(&mut self, address: u64, bytes: &[u8]) -> bool {
        if !self.covers(address, bytes.len()) {
            return false;
        }
        let mut done = 0;
        while done < bytes.len() {
            let Some((region, offset)) = self.place(address + done as u64) else { return false };
            let place = &mut self.region_mut(region).bytes[offset..];
            let count = place.len().min(bytes.len() - done);
            place[..count].copy_from_slice(&bytes[done..done + count]);
            done += count;
        }
        true
    }

    /// Whether the `size` bytes at `address` are all RAM.
    pub(super) fn covers(&self, address: u64, size: usize) -> bool {
        let Some(end) = address.checked_add(size as u64) else { return size == 0 };
        let mut next = address;
        while next < end {
            let Some((region, offset)) = self.place(next) else { return false };
            next = next.saturating_add((self.region(region).bytes.len() - offset) as u64);
        }
        true
    }

    /// The region that holds `address` and the offset inside.
    fn place(&self, address: u64) -> Option<(usize, usize)> {
        (0..=self.others.len()).find_map(|index| self.region(index).find(address, 1).map(|range| (index, range.start)))
    }

    fn region(&self, index: usize) -> &Region {
        self.others.get(index).unwrap_or(&self.current)
    }

    fn region_mut(&mut self, index: usize) -> &mut Region {
        self.others.get_mut(index).unwrap_or(&mut self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn memory(ranges: &[(u64, u64)]) -> Memory {
        let range = |&(start, size)| AddressRange::new(Address(start), ByteCount(size)).unwrap();
        Memory::new(&ranges.iter().map(range).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn a_large_region_costs_nothing_until_used() {
        let mut memory = memory(&[(0x8000_0000, 4 << 30)]);
        assert!(memory.write(0x8000_0000 + (3 << 30), 7_u32.to_le_bytes()));
        assert_eq!(memory.read(0x8000_0000 + (3 << 30)), Some(7_u32.to_le_bytes()));
    }

    #[test]
    fn accesses_cross_into_adjoining_regions_only() {
        let mut memory = memory(&[(0x1000, 16), (0x1010, 16), (0x2000, 4)]);
        assert!(memory.write(0x100c, 0x1122_3344_5566_7788_u64.to_le_bytes()));
        assert_eq!(memory.read(0x1010), Some(0x1122_3344_u32.to_le_bytes()));
        assert_eq!(memory.read(0x100c), Some(0x1122_3344_5566_7788_u64.to_le_bytes()));
        assert!(!memory.write(0x101c, [1_u8; 8]));
        assert_eq!(memory.read::<1>(0x101c), Some([0]), "a failed store stores nothing");
        assert_eq!(memory.read::<8>(0x1ffc), None);
        assert_eq!(memory.read::<8>(u64::MAX - 3), None);
        assert_eq!(memory.read::<4>(0x2000), Some([0; 4]));
    }

    #[test]
    fn ram_that_no_host_has_is_an_error() {
        let range = AddressRange::between(Address(0), Address(u64::MAX)).unwrap();
        assert!(matches!(Memory::new(&[range]), Err(ConfigError::TooMuchRam(_))));
    }
}
