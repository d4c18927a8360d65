//! Decoded code: one slot for each halfword of a page, filled when it is first executed and dropped by `fence.i`.

use crate::address::{Address, AddressRange};
use crate::isa::{ControlFlow, Instruction, decode};
use crate::platform::{CostTable, Fusion};

use super::fusion::fused;
use super::hart::DISCARDED;
use super::instruction_rules::InstructionRules;
use super::memory::Memory;

const PAGE_SIZE: u64 = 4096;

/// The part of a page in which all code is on one side: the program's or the kernel's. Nearly always a whole page.
pub(super) struct Window {
    /// Address of the first byte.
    pub(super) start: u64,
    /// Whether the code is the program's.
    pub(super) in_program: bool,
    /// The decoded instruction at each halfword; `None` where nothing was decoded yet or nothing can be.
    pub(super) slots: Box<[Option<Instruction>]>,
    /// What it costs to begin at each halfword; empty on machines that count no cycles.
    pub(super) prices: Box<[Price]>,
}

/// What an instruction costs, with those behind it that count as part of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Price {
    /// Cycles.
    pub(super) cycles: u32,
    /// How many instructions behind it are paid for.
    pub(super) more: u8,
}

impl Window {
    fn new(start: u64, end: u64, in_program: bool, has_prices: bool) -> Window {
        // Instructions lie on even addresses.
        let start = start & !1;
        let count = (end - start).div_ceil(2) as usize;
        let prices = vec![Price::default(); if has_prices { count } else { 0 }].into();
        Window { start, in_program, slots: vec![None; count].into(), prices }
    }

    /// The slot of the instruction at `pc`, if it lies here.
    #[inline(always)]
    pub(super) fn slot_of(&self, pc: u64) -> Option<usize> {
        let slot = slot_of(self.start, pc);
        (slot < self.slots.len()).then_some(slot)
    }
}

/// How many halfwords the even `pc` lies above `start`; below it, the number is beyond every window.
#[inline(always)]
pub(super) fn slot_of(start: u64, pc: u64) -> usize {
    (pc.wrapping_sub(start) >> 1) as usize
}

/// Everything decoded so far.
pub(super) struct CodeCache {
    regions: Vec<CodeRegion>,
    /// For each page of each region, 0 or one more than the index of its first window. Zeroed memory: it costs
    /// nothing unused.
    directory: Vec<u32>,
    windows: Vec<Window>,
    /// The places in `directory` that are not 0.
    used: Vec<usize>,
    program: Vec<AddressRange>,
    rules: InstructionRules,
    costs: Option<CostTable>,
}

struct CodeRegion {
    range: AddressRange,
    /// The page that the region starts in.
    first_page: u64,
    /// Its place in the directory.
    directory_start: usize,
}

impl CodeCache {
    /// An empty cache over `memory` in which code can run; code inside the `program` ranges is the program's.
    pub(super) fn new(
        memory: impl Iterator<Item = AddressRange>,
        program: &[AddressRange],
        rules: InstructionRules,
        costs: Option<CostTable>,
    ) -> CodeCache {
        let mut regions = Vec::new();
        let mut directory_size = 0;
        for range in memory {
            let first_page = range.start().0 / PAGE_SIZE;
            regions.push(CodeRegion { range, first_page, directory_start: directory_size });
            directory_size += ((range.end().0 - 1) / PAGE_SIZE - first_page + 1) as usize;
        }
        let mut program = program.to_vec();
        program.sort();
        let (directory, program) = (vec![0; directory_size], program);
        CodeCache { regions, directory, windows: Vec::new(), used: Vec::new(), program, rules, costs }
    }

    /// Whether instructions have prices.
    pub(super) fn has_prices(&self) -> bool {
        self.costs.is_some()
    }

    /// Which instructions there are.
    pub(super) fn rules(&self) -> &InstructionRules {
        &self.rules
    }

    /// Whether code can run at each of the `size` bytes at `pc`.
    pub(super) fn covers(&self, pc: u64, size: u64) -> bool {
        (pc..pc.saturating_add(size))
            .all(|address| self.regions.iter().any(|region| region.range.contains(Address(address))))
    }

    /// Forgets everything decoded.
    pub(super) fn flush(&mut self) {
        for place in self.used.drain(..) {
            self.directory[place] = 0;
        }
        self.windows.clear();
    }

    /// The index of the window that holds `pc`, for [`window`](CodeCache::window); `None` outside RAM.
    #[inline(always)]
    pub(super) fn find(&mut self, pc: u64) -> Option<usize> {
        let region = self.regions.iter().find(|region| region.range.contains(Address(pc)))?;
        let place = region.directory_start + (pc / PAGE_SIZE - region.first_page) as usize;
        let first = match self.directory[place] {
            0 => self.add_page(pc, place),
            number => number as usize - 1,
        };
        self.windows[first..].iter().position(|window| window.slot_of(pc).is_some()).map(|behind| first + behind)
    }

    /// A window that [`find`](CodeCache::find) named since the last flush.
    #[inline(always)]
    pub(super) fn window(&self, index: usize) -> &Window {
        &self.windows[index]
    }

    /// Makes the windows of the page that holds `pc`; the index of the first.
    #[cold]
    fn add_page(&mut self, pc: u64, place: usize) -> usize {
        let first = self.windows.len();
        let start = pc / PAGE_SIZE * PAGE_SIZE;
        let page = AddressRange::between(Address(start), Address(start.saturating_add(PAGE_SIZE)));
        let region = self.regions.iter().find(|region| region.range.contains(Address(pc)));
        if let (Some(page), Some(region)) = (page, region) {
            self.windows.extend(windows(page, region.range, &self.program, self.costs.is_some()));
        }
        self.directory[place] = first as u32 + 1;
        self.used.push(place);
        first
    }

    /// Decodes from `pc` to the next jump or branch, the end of the window, or something that is no instruction here.
    /// False if there is no instruction at `pc` itself.
    pub(super) fn decode_at(&mut self, index: usize, pc: u64, memory: &Memory) -> bool {
        if !pc.is_multiple_of(self.rules.alignment()) {
            return false;
        }
        // An instruction may reach into memory where none can run: only the last of a region.
        let window_end = self.windows[index].start.saturating_add(2 * self.windows[index].slots.len() as u64);
        let whole = self.covers(window_end, 2);
        let window = &mut self.windows[index];
        let mut next = pc;
        while let Some(place) = window.slot_of(next).filter(|&place| window.slots[place].is_none()) {
            let Some(instruction) = fetch(next, memory).and_then(|found| self.rules.admit(found)) else { break };
            if !whole && next.saturating_add(u64::from(instruction.length)) > window_end {
                break;
            }
            let discarded = instruction.rd == 0 && instruction.writes_integer_register();
            let rd = if discarded { DISCARDED } else { instruction.rd };
            window.slots[place] = Some(Instruction { rd, ..instruction });
            if let (Some(costs), Some(price)) = (&self.costs, window.prices.get_mut(place)) {
                *price = self::price(costs, next, memory);
            }
            next = next.wrapping_add(u64::from(instruction.length));
            if instruction.effects().flow != ControlFlow::Next {
                break;
            }
        }
        next != pc
    }
}

/// What it costs to begin at `pc`.
fn price(costs: &CostTable, pc: u64, memory: &Memory) -> Price {
    let mut at = pc;
    let mut instructions = std::iter::from_fn(|| {
        let instruction = fetch(at, memory)?;
        at = at.wrapping_add(u64::from(instruction.length));
        Some(instruction)
    });
    let fusion = match costs.fusion {
        Some(Fusion::CkbVm) => fused(pc, &mut instructions),
        None => None,
    };
    match fusion {
        Some(fused) => Price { cycles: costs.of(fused.like), more: fused.count.saturating_sub(1) },
        None => Price { cycles: fetch(pc, memory).map_or(0, |instruction| costs.of(instruction.op)), more: 0 },
    }
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
fn windows(page: AddressRange, region: AddressRange, program: &[AddressRange], has_prices: bool) -> Vec<Window> {
    let (mut next, end) = (page.start().max(region.start()).0, page.end().min(region.end()).0);
    let mut windows = Vec::new();
    let mut push = |start: u64, end: u64, in_program| {
        if start < end {
            windows.push(Window::new(start, end, in_program, has_prices));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::ByteCount;

    #[test]
    fn a_page_is_cut_where_the_side_changes() {
        let range = |start, size| AddressRange::new(Address(start), ByteCount(size)).unwrap();
        let cut = |program: &[AddressRange]| -> Vec<(u64, usize, bool)> {
            let windows = windows(range(0x1000, 0x1000), range(0x1100, 0x10000), program, false);
            windows.iter().map(|window| (window.start, window.slots.len(), window.in_program)).collect()
        };
        assert_eq!(cut(&[]), [(0x1100, 0x780, false)]);
        assert_eq!(cut(&[range(0, 0x8000)]), [(0x1100, 0x780, true)]);
        assert_eq!(
            cut(&[range(0x1200, 0x100), range(0x1300, 0x20), range(0x1f00, 0x200)]),
            [
                (0x1100, 0x80, false),
                (0x1200, 0x80, true),
                (0x1300, 0x10, true),
                (0x1320, 0x5f0, false),
                (0x1f00, 0x80, true)
            ]
        );
    }
}
