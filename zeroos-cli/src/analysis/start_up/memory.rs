//! A program's memory as it starts: its segments, its stack, and which bytes of them are known.

use std::collections::BTreeMap;

use super::InitialState;
use crate::address::{Address, AddressRange, ByteCount};
use crate::analysis::code::{extend, load_size};
use crate::elf::AppElf;
use crate::isa::Op;

const PAGE: u64 = 4096;
/// Most pages that start-up may use; it ends where it wants more.
const MOST_PAGES: usize = 4096;
/// Room below the initial stack pointer, bytes (Linux's default RLIMIT_STACK).
const STACK: u64 = 8 << 20;

/// See the module.
pub(super) struct Memory<'a> {
    elf: &'a AppElf,
    initial: &'a InitialState,
    /// Pages that were used, by number.
    pages: BTreeMap<u64, Page>,
    /// The lowest address of the stack that was stored to since what lies below the stack pointer was forgotten.
    lowest: u64,
}

struct Page {
    bytes: [u8; PAGE as usize],
    /// One bit for each byte.
    known: [u64; PAGE as usize / 64],
}

impl<'a> Memory<'a> {
    /// As `initial` has it.
    pub fn new(elf: &'a AppElf, initial: &'a InitialState) -> Memory<'a> {
        Memory { elf, initial, pages: BTreeMap::new(), lowest: u64::MAX }
    }

    /// What the load `op` gives at `address`: `Some(None)` if it is not known; `None` if there is no memory, or not one that every
    /// machine can read there.
    pub fn load(&mut self, op: Op, address: u64) -> Option<Option<u64>> {
        let size = load_size(op)?;
        let page = self.page(address, size)?;
        let offset = (address % PAGE) as usize;
        let mut bits = 0;
        for index in 0..size as usize {
            let at = offset + index;
            if page.known[at / 64] >> (at % 64) & 1 == 0 {
                return Some(None);
            }
            bits |= u64::from(page.bytes[at]) << (8 * index);
        }
        Some(Some(extend(op, bits)))
    }

    /// Stores the `size` low bytes of `value`; `None`, and nothing done, if that is not possible.
    pub fn store(&mut self, address: u64, size: u64, value: Option<u64>) -> Option<()> {
        if !self.is_writable(address, size) {
            return None;
        }
        if self.stack().is_some_and(|stack| stack.contains(Address(address))) {
            self.lowest = self.lowest.min(address);
        }
        let page = self.page(address, size)?;
        let offset = (address % PAGE) as usize;
        for index in 0..size as usize {
            let at = offset + index;
            let bit = 1 << (at % 64);
            match value {
                Some(value) => {
                    page.bytes[at] = (value >> (8 * index)) as u8;
                    page.known[at / 64] |= bit;
                }
                None => page.known[at / 64] &= !bit,
            }
        }
        Some(())
    }

    /// A call returned to where the stack pointer is `stack_pointer`: what lies below it on the stack is not known any more.
    pub fn forget_below(&mut self, stack_pointer: u64) {
        let Some(gone) = AddressRange::between(Address(self.lowest), Address(stack_pointer)) else { return };
        for (number, page) in self.pages.range_mut(self.lowest / PAGE..=stack_pointer / PAGE) {
            page.each(number * PAGE, gone, |page, at, _| page.known[at / 64] &= !(1 << (at % 64)));
        }
        self.lowest = stack_pointer;
    }

    /// The known words, 8-aligned, of what was used outside the stack, and of the stack from `stack_pointer` on, if that is known.
    pub fn words_from(&self, stack_pointer: Option<u64>) -> impl Iterator<Item = u64> {
        let stack = self.stack().unwrap_or_default();
        let lowest = stack_pointer.unwrap_or(0);
        let is_gone = move |address: u64| address < lowest && stack.contains(Address(address));
        self.pages.iter().flat_map(move |(number, page)| {
            let known = |word: usize| page.known[word / 8] >> (word % 8 * 8) & 0xff == 0xff;
            let start = number * PAGE;
            let words = page.bytes.chunks_exact(8).enumerate();
            let words = words.filter(move |&(word, _)| known(word) && !is_gone(start + 8 * word as u64));
            words.filter_map(|(_, bytes)| bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)))
        })
    }

    /// What is neither on the stack nor in a segment that is written and not executed is left alone.
    fn is_writable(&self, address: u64, size: u64) -> bool {
        let Some(range) = AddressRange::new(Address(address), ByteCount(size)) else { return false };
        if self.stack().is_some_and(|stack| stack.covers(range)) {
            return true;
        }
        let own = Address(address.wrapping_sub(self.initial.bias));
        self.elf.segment_at(own).is_some_and(|segment| segment.permissions.write && !segment.permissions.execute)
    }

    fn stack(&self) -> Option<AddressRange> {
        let pointer = self.initial.stack_pointer.0;
        let end = pointer.checked_add(self.initial.stack.len() as u64)?;
        AddressRange::between(Address(pointer.saturating_sub(STACK)), Address(end))
    }

    /// The page that holds all of what is asked for.
    fn page(&mut self, address: u64, size: u64) -> Option<&mut Page> {
        // A misaligned access is left to machines that can make it.
        if !address.is_multiple_of(size) {
            return None;
        }
        let number = address / PAGE;
        if !self.pages.contains_key(&number) {
            let page = self.fresh(number).filter(|_| self.pages.len() < MOST_PAGES)?;
            self.pages.insert(number, page);
        }
        self.pages.get_mut(&number)
    }

    /// A page as it is at first, if there is memory in it.
    fn fresh(&self, number: u64) -> Option<Page> {
        let start = number.checked_mul(PAGE)?;
        let range = AddressRange::new(Address(start), ByteCount(PAGE))?;
        let mut page = Page { bytes: [0; PAGE as usize], known: [0; PAGE as usize / 64] };
        let mut is_memory = false;
        for segment in &self.elf.segments {
            let placed = segment.range.start().0.wrapping_add(self.initial.bias);
            let Some(placed) = AddressRange::new(Address(placed), segment.range.size()) else { continue };
            if !placed.overlaps(range) {
                continue;
            }
            is_memory = true;
            let bytes = self.elf.segment_bytes(segment);
            page.fill(start, placed, |offset| bytes.get(offset as usize).copied().unwrap_or(0));
        }
        let own = start.wrapping_sub(self.initial.bias);
        // A word may begin on the page before.
        let near = Address(own.saturating_sub(7))..Address(own.saturating_add(PAGE));
        for (&address, word) in self.initial.changed.range(near).filter(|_| is_memory) {
            let placed = Address(address.0.wrapping_add(self.initial.bias));
            let Some(placed) = AddressRange::new(placed, ByteCount(8)) else { continue };
            page.fill(start, placed, |offset| (word >> (8 * offset)) as u8);
        }
        let stack = self.stack()?;
        if stack.overlaps(range) {
            is_memory = true;
            let pointer = self.initial.stack_pointer;
            let contents = AddressRange::between(pointer, stack.end())?;
            page.fill(start, contents, |offset| self.initial.stack.get(offset as usize).copied().unwrap_or(0));
            for open in &self.initial.open {
                page.each(start, *open, |page, at, _| page.known[at / 64] &= !(1 << (at % 64)));
            }
        }
        is_memory.then_some(page)
    }
}

impl Page {
    /// Makes known what lies of `range` in the page that begins at `start`.
    fn fill(&mut self, start: u64, range: AddressRange, byte: impl Fn(u64) -> u8) {
        self.each(start, range, |page, at, offset| {
            page.bytes[at] = byte(offset);
            page.known[at / 64] |= 1 << (at % 64);
        });
    }

    /// Calls `change` for each byte of `range` in the page that begins at `start`, with its place in the page and in the range.
    fn each(&mut self, start: u64, range: AddressRange, mut change: impl FnMut(&mut Page, usize, u64)) {
        let from = range.start().0.max(start);
        let to = range.end().0.min(start + PAGE);
        for address in from..to {
            change(self, (address - start) as usize, address - range.start().0);
        }
    }
}
