//! RAM: a few regions at any address. Accesses may be misaligned and may cross from a region into one that adjoins it.
//! What can be written and what cannot are regions of their own, so that a store asks for nothing but its place.

use super::config::ConfigError;
use super::protection::Protection;
use crate::address::{Address, ByteCount};

/// All RAM of the machine.
pub(super) struct Memory {
    /// The writable region of the last access: nearly always the region of the next.
    current: Region,
    others: Vec<Region>,
    /// The read-only region of the last load from one.
    constants: Region,
    other_constants: Vec<Region>,
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
    pub(super) fn new(pieces: &[Protection]) -> Result<Memory, ConfigError> {
        let total = ByteCount(pieces.iter().fold(0, |sum: u64, piece| sum.saturating_add(piece.range.size().0)));
        let (mut others, mut other_constants) = (Vec::new(), Vec::new());
        for piece in pieces {
            let size = usize::try_from(piece.range.size().0).map_err(|_| ConfigError::TooMuchRam(total))?;
            // `vec!` gives lazily zeroed pages but aborts when there are none: ask first.
            Vec::<u8>::new().try_reserve_exact(size).map_err(|_| ConfigError::TooMuchRam(total))?;
            let regions = if piece.writes { &mut others } else { &mut other_constants };
            regions.push(Region { start: piece.range.start().0, bytes: vec![0; size] });
        }
        let current = others.pop().unwrap_or_default();
        let constants = other_constants.pop().unwrap_or_default();
        Ok(Memory { current, others, constants, other_constants })
    }

    /// The `N` bytes at `address`.
    #[inline(always)]
    pub(super) fn read<const N: usize>(&mut self, address: u64) -> Option<[u8; N]> {
        let offset = address.wrapping_sub(self.current.start) as usize;
        match self.current.bytes.get(offset..offset.wrapping_add(N)) {
            Some(bytes) => bytes.try_into().ok(),
            None => self.read_constant(address),
        }
    }

    #[inline(always)]
    fn read_constant<const N: usize>(&mut self, address: u64) -> Option<[u8; N]> {
        let offset = address.wrapping_sub(self.constants.start) as usize;
        match self.constants.bytes.get(offset..offset.wrapping_add(N)) {
            Some(bytes) => bytes.try_into().ok(),
            None => self.read_elsewhere(address),
        }
    }

    /// Stores `bytes` at `address`; false, and nothing is stored, unless all of it is RAM that can be written.
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

    /// Every page of a writable region that is not zero, ascending, with its contents; where a region begins or ends inside
    /// a page, that part of it.
    pub(super) fn written_pages(&self) -> Vec<(Address, &[u8])> {
        const PAGE: u64 = 4096;
        let mut pages = Vec::new();
        for region in self.others.iter().chain([&self.current]) {
            let to_boundary = (PAGE - region.start % PAGE) % PAGE;
            let (first, rest) = region.bytes.split_at((to_boundary as usize).min(region.bytes.len()));
            let mut at = region.start;
            for page in [first].into_iter().chain(rest.chunks(PAGE as usize)) {
                let (words, rest) = page.as_chunks::<16>();
                if words.iter().any(|word| *word != [0; 16]) || rest.iter().any(|&byte| byte != 0) {
                    pages.push((Address(at), page));
                }
                at += page.len() as u64;
            }
        }
        pages.sort_by_key(|&(address, _)| address);
        pages
    }

    /// Makes the region that holds `address`, if there is one, the current region of its kind.
    fn switch_to(&mut self, address: u64) {
        let holds = |region: &&mut Region| region.find(address, 1).is_some();
        if let Some(region) = self.others.iter_mut().find(holds) {
            std::mem::swap(region, &mut self.current);
        } else if let Some(region) = self.other_constants.iter_mut().find(holds) {
            std::mem::swap(region, &mut self.constants);
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

    /// Copies `bytes` into RAM at `address`; false, and nothing is copied, unless all of it is RAM that can be written.
    pub(super) fn write_slice(&mut self, address: u64, bytes: &[u8]) -> bool {
        self.takes(address, bytes.len()) && self.load(address, bytes)
    }

    /// As [`write_slice`](Memory::write_slice), but read-only memory takes the bytes, too: what a loader does.
    pub(super) fn load(&mut self, address: u64, bytes: &[u8]) -> bool {
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
        self.is_all(address, size, |_| true)
    }

    /// Whether the `size` bytes at `address` are all RAM that can be written.
    pub(super) fn takes(&self, address: u64, size: usize) -> bool {
        self.is_all(address, size, |region| matches!(region, Place::Current | Place::Other(_)))
    }

    fn is_all(&self, address: u64, size: usize, is_right: impl Fn(Place) -> bool) -> bool {
        let Some(end) = address.checked_add(size as u64) else { return size == 0 };
        let mut next = address;
        while next < end {
            let Some((region, offset)) = self.place(next).filter(|(region, _)| is_right(*region)) else { return false };
            next = next.saturating_add((self.region(region).bytes.len() - offset) as u64);
        }
        true
    }

    /// The region that holds `address` and the offset inside.
    fn place(&self, address: u64) -> Option<(Place, usize)> {
        let all = [Place::Current, Place::Constants].into_iter();
        let all = all.chain((0..self.others.len()).map(Place::Other));
        let mut all = all.chain((0..self.other_constants.len()).map(Place::OtherConstants));
        all.find_map(|place| self.region(place).find(address, 1).map(|range| (place, range.start)))
    }

    fn region(&self, place: Place) -> &Region {
        match place {
            Place::Current => &self.current,
            Place::Constants => &self.constants,
            Place::Other(index) => &self.others[index],
            Place::OtherConstants(index) => &self.other_constants[index],
        }
    }

    fn region_mut(&mut self, place: Place) -> &mut Region {
        match place {
            Place::Current => &mut self.current,
            Place::Constants => &mut self.constants,
            Place::Other(index) => &mut self.others[index],
            Place::OtherConstants(index) => &mut self.other_constants[index],
        }
    }
}

/// Which region; indices are those of the vectors.
#[derive(Clone, Copy)]
enum Place {
    Current,
    Other(usize),
    Constants,
    OtherConstants(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, AddressRange};

    fn piece(start: u64, size: u64, writes: bool) -> Protection {
        let range = AddressRange::new(Address(start), ByteCount(size)).unwrap();
        Protection { range, writes, executes: true }
    }

    fn memory(ranges: &[(u64, u64)]) -> Memory {
        Memory::new(&ranges.iter().map(|&(start, size)| piece(start, size, true)).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn read_only_memory_takes_bytes_from_the_loader_alone() {
        let mut memory =
            Memory::new(&[piece(0x1000, 16, false), piece(0x1010, 16, true), piece(0x9000, 8, false)]).unwrap();
        assert!(memory.load(0x100c, &[1; 8]) && memory.load(0x9000, &[2; 8]));
        assert!(!memory.write(0x1000, [9]) && !memory.write(0x100f, [9; 2]) && !memory.write_slice(0x100f, &[9; 2]));
        assert!(memory.write(0x1010, [3]));
        assert_eq!(memory.read(0x100e), Some([1, 1, 3, 1]));
        assert_eq!(memory.read(0x9000), Some([2; 8]));
        assert_eq!(memory.read(0x100c), Some([1]));
        assert!(memory.covers(0x1000, 32) && !memory.takes(0x1000, 32) && memory.takes(0x1010, 16));
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
        let everything = piece(0, u64::MAX, true);
        assert!(matches!(Memory::new(&[everything]), Err(ConfigError::TooMuchRam(_))));
    }
}
