//! What the page table allows, as a hart in supervisor mode sees it (privileged ISA manual, "Virtual Address Translation Process").
//!
//! The tables are walked, and what they say of a page is remembered until `sfence.vma`. Only rights are taken from them: the
//! machine has its memory where the image says that it is seen, and `verify` has checked that the table shows it there.

use super::memory::Memory;

/// What an access wants, as a page table entry has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    Read = 1 << 1,
    Write = 1 << 2,
    Execute = 1 << 3,
}

const VALID: u64 = 1 << 0;
const WRITE: u64 = 1 << 2;
const LEAF: u64 = 0b1110;
/// A page of user mode, which such images have none of, is not supervisor mode's.
const USER: u64 = 1 << 4;
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
const PAGE_SHIFT: u32 = 12;
const LEVELS: u32 = 3;

/// How many pages are remembered.
const REMEMBERED: usize = 1024;

/// Rights of pages that were asked for.
pub(super) struct PageRights {
    /// What `satp` held when these were found.
    satp: u64,
    /// Page number and rights; the place is that of the number's low bits.
    pages: Box<[(u64, u8); REMEMBERED]>,
}

/// No page has that number.
const NO_PAGE: u64 = u64::MAX;

impl PageRights {
    pub(super) fn new() -> PageRights {
        PageRights { satp: 0, pages: Box::new([(NO_PAGE, 0); REMEMBERED]) }
    }

    /// What is asked for from now on is behind the table that `satp` names.
    pub(super) fn use_table(&mut self, satp: u64) {
        if self.satp != satp {
            self.satp = satp;
            self.forget();
        }
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        self.pages.fill((NO_PAGE, 0));
    }

    /// Whether all of the `size` bytes (at most a page) at `address` allow `right`; else the first address that does not.
    #[inline(always)]
    pub(super) fn check(&mut self, memory: &Memory, address: u64, size: usize, right: Right) -> Result<(), u64> {
        if !self.allows(memory, address, right) {
            return Err(address);
        }
        let last = address.wrapping_add(size as u64 - 1);
        if (address ^ last) >> PAGE_SHIFT != 0 && !self.allows(memory, last, right) {
            return Err(last >> PAGE_SHIFT << PAGE_SHIFT);
        }
        Ok(())
    }

    /// Whether the byte at `address` allows `right`.
    #[inline(always)]
    pub(super) fn allows(&mut self, memory: &Memory, address: u64, right: Right) -> bool {
        let page = address >> PAGE_SHIFT;
        let place = page as usize % REMEMBERED;
        let rights = match self.pages[place] {
            (remembered, rights) if remembered == page => rights,
            _ => self.walk(memory, page, place),
        };
        rights & right as u8 != 0
    }

    #[cold]
    #[inline(never)]
    fn walk(&mut self, memory: &Memory, page: u64, place: usize) -> u8 {
        let rights = rights(memory, self.satp, page << PAGE_SHIFT);
        self.pages[place] = (page, rights);
        rights
    }
}

/// R, W and X of the page at `address`, as an entry has them; 0 where nothing is mapped.
fn rights(memory: &Memory, satp: u64, address: u64) -> u8 {
    // Bits 63-39 equal bit 38.
    if (address as i64) << 25 >> 25 != address as i64 {
        return 0;
    }
    let mut table = satp & ((1 << 44) - 1);
    for level in (0..LEVELS).rev() {
        let index = address >> (PAGE_SHIFT + 9 * level) & 511;
        let mut bytes = [0; 8];
        if !memory.read_slice((table << PAGE_SHIFT) + 8 * index, &mut bytes) {
            return 0;
        }
        let entry = u64::from_le_bytes(bytes);
        table = entry >> 10 & ((1 << 44) - 1);
        let is_aligned = table & ((1 << (9 * level)) - 1) == 0;
        return match entry & LEAF {
            _ if entry & VALID == 0 => 0,
            0 => continue,
            // Write without read is reserved; an unaligned large page, and one that was not marked as accessed, is a fault.
            0b0100 | 0b1100 => 0,
            _ if entry & (USER | ACCESSED) != ACCESSED || !is_aligned => 0,
            leaf if entry & DIRTY == 0 => (leaf & !WRITE) as u8,
            leaf => leaf as u8,
        };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::{Address, AddressRange, ByteCount};
    use crate::machine::protection::Protection;

    const SATP: u64 = 8 << 60 | 1;

    /// Tables from 0x1000 on: a root, a directory and a table; `entries` are written at their addresses.
    fn machine(entries: &[(u64, u64)]) -> (PageRights, Memory) {
        let range = AddressRange::new(Address(0x1000), ByteCount(0x3000)).unwrap();
        let mut memory = Memory::new(&[Protection { range, writes: true, executes: true }]).unwrap();
        for (address, entry) in entries {
            assert!(memory.load(*address, &entry.to_le_bytes()));
        }
        let mut rights = PageRights::new();
        rights.use_table(SATP);
        (rights, memory)
    }

    #[test]
    fn tables_are_walked_and_remembered() {
        let leaf = |page: u64, rights: u64| page << 10 | rights | VALID | ACCESSED | DIRTY;
        let (mut rights, mut memory) = machine(&[
            (0x1000, 2 << 10 | VALID),
            (0x2000, 3 << 10 | VALID),
            (0x3008, leaf(1, 0b0010)),
            (0x3010, leaf(2, 0b0110)),
            (0x3018, leaf(3, 0b1000) & !ACCESSED),
            (0x3020, leaf(4, 0b0110) & !DIRTY),
            (0x3028, leaf(5, 0b0100)),
            (0x3030, leaf(6, 0b0010) | USER),
            (0x2008, leaf(512, 0b1010)),
            (0x2010, leaf(1025, 0b1010)),
            (0x1000 + 8 * 511, leaf(0, 0b0010)),
        ]);
        let all = |rights: &mut PageRights, memory: &Memory, address: u64| {
            [Right::Read, Right::Write, Right::Execute].map(|right| rights.allows(memory, address, right))
        };
        for (address, expected) in [
            (0x0000, [false, false, false]),
            (0x1fff, [true, false, false]),
            (0x2000, [true, true, false]),
            (0x3000, [false, false, false]), // not accessed
            (0x4000, [true, false, false]),  // not dirty
            (0x5000, [false, false, false]), // reserved
            (0x6000, [false, false, false]), // user mode's
            (0x20_0000, [true, false, true]),
            (0x40_0000, [false, false, false]), // not aligned
            (0x4000_0000, [false, false, false]),
            (!0, [true, false, false]),
            (1 << 39, [false, false, false]), // no address of Sv39
        ] {
            assert_eq!(all(&mut rights, &memory, address), expected, "{address:#x}");
        }
        assert_eq!(rights.check(&memory, 0x2ffc, 4, Right::Write), Ok(()));
        assert_eq!(rights.check(&memory, 0x2ffd, 4, Right::Write), Err(0x3000));
        assert_eq!(rights.check(&memory, 0x1ffd, 4, Right::Write), Err(0x1ffd));
        assert!(memory.load(0x3010, &[0; 8]));
        assert!(rights.allows(&memory, 0x2000, Right::Write), "remembered");
        rights.forget();
        assert!(!rights.allows(&memory, 0x2000, Right::Write));
        rights.use_table(SATP + 8);
        assert!(!rights.allows(&memory, 0x1000, Right::Read), "another root, which is no memory");
    }
}
