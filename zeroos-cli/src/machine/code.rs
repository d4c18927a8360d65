//! Decoded code: one slot for each halfword of a page, filled when it is first executed and dropped by `fence.i`.

use crate::address::{Address, AddressRange};
use crate::isa::{ControlFlow, Instruction, decode};

use super::hart::DISCARDED;
use super::memory::Memory;

const PAGE_SIZE: u64 = 4096;
pub(super) const SLOTS: usize = PAGE_SIZE as usize / 2;

/// The decoded instructions of a page by halfword offset; `None` where nothing was decoded yet or nothing can be.
pub(super) type Slots = [Option<Instruction>; SLOTS];

/// The part of a page in which all code is on one side: the program's or the kernel's.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) in_program: bool,
}

/// A page of code.
pub(super) struct Page {
    pub(super) slots: Box<Slots>,
    windows: Vec<Window>,
}

impl Page {
    /// The window that holds `pc`.
    #[inline(always)]
    pub(super) fn window(&self, pc: u64) -> Option<Window> {
        self.windows.iter().copied().find(|window| pc.wrapping_sub(window.start) < window.size)
    }
}

/// Everything decoded so far.
pub(super) struct CodeCache {
    regions: Vec<CodeRegion>,
    /// For each page of each region, 0 or one more than its index in `pages`. Zeroed memory: it costs nothing unused.
    directory: Vec<u32>,
    pages: Vec<Page>,
    /// The places in `directory` that are not 0.
    used: Vec<usize>,
    program: Vec<AddressRange>,
}

struct CodeRegion {
    range: AddressRange,
    /// The page that the region starts in.
    first_page: u64,
    /// Its place in the directory.
    directory_start: usize,
}

impl CodeCache {
    /// An empty cache over `ram`; code inside the `program` ranges is the program's.
    pub(super) fn new(ram: &[AddressRange], program: &[AddressRange]) -> CodeCache {
        let mut regions = Vec::new();
        let mut directory_size = 0;
        for &range in ram.iter().filter(|range| !range.is_empty()) {
            let first_page = range.start().0 / PAGE_SIZE;
            regions.push(CodeRegion { range, first_page, directory_start: directory_size });
            directory_size += ((range.end().0 - 1) / PAGE_SIZE - first_page + 1) as usize;
        }
        let mut program = program.to_vec();
        program.sort();
        CodeCache { regions, directory: vec![0; directory_size], pages: Vec::new(), used: Vec::new(), program }
    }

    /// Forgets everything decoded.
    pub(super) fn flush(&mut self) {
        for place in self.used.drain(..) {
            self.directory[place] = 0;
        }
        self.pages.clear();
    }

    /// The index of the page that holds `pc`, for [`page`](CodeCache::page); `None` outside RAM.
    #[inline(always)]
    pub(super) fn find(&mut self, pc: u64) -> Option<usize> {
        let region = self.regions.iter().find(|region| region.range.contains(Address(pc)))?;
        let place = region.directory_start + (pc / PAGE_SIZE - region.first_page) as usize;
        match self.directory[place] {
            0 => Some(self.add_page(pc, place)),
            number => Some(number as usize - 1),
        }
    }

    /// A page that [`find`](CodeCache::find) named since the last flush.
    #[inline(always)]
    pub(super) fn page(&self, index: usize) -> &Page {
        &self.pages[index]
    }

    #[cold]
    fn add_page(&mut self, pc: u64, place: usize) -> usize {
        let start = pc / PAGE_SIZE * PAGE_SIZE;
        let page = AddressRange::between(Address(start), Address(start.saturating_add(PAGE_SIZE)));
        let region = self.regions.iter().find(|region| region.range.contains(Address(pc)));
        let windows = match (page, region) {
            (Some(page), Some(region)) => windows(page, region.range, &self.program),
            _ => Vec::new(),
        };
        self.pages.push(Page { slots: Box::new([None; SLOTS]), windows });
        self.directory[place] = self.pages.len() as u32;
        self.used.push(place);
        self.pages.len() - 1
    }

    /// Decodes from `pc` to the next jump or branch, the end of the page, or something that is no instruction.
    /// False if there is no instruction at `pc` itself.
    pub(super) fn decode_at(&mut self, index: usize, pc: u64, memory: &Memory) -> bool {
        let slots = &mut self.pages[index].slots;
        let mut next = pc;
        while next / PAGE_SIZE == pc / PAGE_SIZE {
            let Some(instruction) = fetch(next, memory) else { break };
            let slot = &mut slots[slot_of(next)];
            if slot.is_some() {
                break;
            }
            let effects = instruction.effects();
            let discarded = instruction.rd == 0 && instruction.writes_integer_register();
            let rd = if discarded { DISCARDED } else { instruction.rd };
            *slot = Some(Instruction { rd, ..instruction });
            next = next.wrapping_add(u64::from(instruction.length));
            if effects.flow != ControlFlow::Next {
                break;
            }
        }
        self.pages[index].slots[slot_of(pc)].is_some()
    }
}

/// The slot of the instruction at `pc`.
#[inline(always)]
pub(super) fn slot_of(pc: u64) -> usize {
    (pc as usize >> 1) % SLOTS
}

/// The instruction in memory at `pc`; `None` if the bits mean nothing or are not all RAM.
fn fetch(pc: u64, memory: &Memory) -> Option<Instruction> {
    let mut bytes = [0; 4];
    if memory.read_slice(pc, &mut bytes) {
        return decode(&bytes);
    }
    memory.read_slice(pc, &mut bytes[..2]).then(|| decode(&bytes[..2])).flatten()
}

/// Cuts `page`, as far as it lies in `region`, at the borders of the program's ranges (which are sorted).
fn windows(page: AddressRange, region: AddressRange, program: &[AddressRange]) -> Vec<Window> {
    let (mut next, end) = (page.start().max(region.start()).0, page.end().min(region.end()).0);
    let mut windows = Vec::new();
    let mut push = |start: u64, end: u64, in_program| {
        if start < end {
            windows.push(Window { start, size: end - start, in_program });
        }
    };
    for range in program {
        let (start, stop) = (range.start().0.clamp(next, end), range.end().0.clamp(next, end));
        push(next, start, false);
        push(start, stop, true);
        next = stop.max(next);
    }
    push(next, end, false);
    windows
}
