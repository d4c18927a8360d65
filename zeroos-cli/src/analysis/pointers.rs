//! Code addresses that lie in the program's data: function pointers, labels and the elements of jump tables.

use std::cell::{Cell, OnceCell};
use std::ops::Range;

use super::code::Code;
use crate::address::{Address, AddressRange};
use crate::elf::Segment;

/// A word in data that is, or looks like, a code address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pointer {
    /// The code address.
    pub target: u64,
    /// Where the word lies.
    pub holder: Address,
}

/// Every code address in data, by target. In a static-PIE these are exactly the addends of the base relocations;
/// in an `ET_EXEC` every aligned word that is an even address inside code counts. The GOT is left out: code that uses
/// an entry loads it from a constant address, which is seen there. Go's method tables hold 32-bit offsets.
pub(super) fn data_pointers(code: &Code<'_>) -> Vec<Pointer> {
    let elf = code.elf;
    let skipped: Vec<AddressRange> = elf
        .sections
        .iter()
        .filter(|section| {
            section.executable || section.name.starts_with(".got") || section.name.starts_with(".eh_frame")
        })
        .map(|section| section.range)
        .collect();
    let in_skipped = |address: Address| skipped.iter().any(|range| range.contains(address));
    // Exact, and nothing but code is pointed at there.
    elf.relocations.iter().filter(|one| code.holds(one.addend.0)).for_each(|one| code.note_target(one.addend.0));
    let mut pointers: Vec<Pointer> = elf
        .relocations
        .iter()
        .filter(|relocation| code.contains(relocation.addend.0) && !in_skipped(relocation.target))
        .map(|relocation| Pointer { target: relocation.addend.0, holder: relocation.target })
        .collect();
    let resolvers = code.indirect.iter().filter(|&&(_, resolver)| code.contains(resolver));
    pointers.extend(resolvers.map(|&(slot, resolver)| Pointer { target: resolver, holder: Address(slot) }));
    if elf.kind == crate::elf::ElfKind::Executable {
        for segment in &elf.segments {
            for (holder, target) in aligned_words(code, segment, span(code.executable())) {
                if code.contains(target) && !in_skipped(holder) {
                    pointers.push(Pointer { target, holder });
                }
            }
        }
    }
    if let Some(table) = code.go.table() {
        let data = table.function_data();
        let is_data = |holder: u64| data.binary_search(&holder).is_ok();
        let is_word = |holder: Address| !is_data(holder.0) && !is_data(holder.0.saturating_add(4));
        pointers.retain(|pointer| !table.covers(pointer.holder) && is_word(pointer.holder));
        pointers.extend(table.methods().into_iter().map(|(target, holder)| Pointer { target, holder }));
    }
    pointers.sort_unstable();
    pointers.dedup();
    pointers
}

/// The addresses of data that lie in data: the addends of base relocations, or in an `ET_EXEC` every aligned word that
/// is an address of writable memory. The GOT is left out for the same reason. Mostly few questions are asked of many addresses.
#[derive(Default)]
pub(super) struct DataAddresses {
    asked: Cell<u32>,
    /// All of them, ascending, once that is worth it.
    all: OnceCell<Vec<u64>>,
}

impl DataAddresses {
    /// The lowest one in `range`.
    pub fn first_in(&self, range: &Range<u64>, code: &Code<'_>) -> Option<u64> {
        /// From how many questions on they are put in order.
        const MANY: u32 = 8;
        self.asked.set(self.asked.get().saturating_add(1));
        if self.asked.get() < MANY {
            return data_addresses(code, range.clone()).min();
        }
        let all = self.all.get_or_init(|| {
            let mut all: Vec<u64> = data_addresses(code, 0..u64::MAX).collect();
            all.sort_unstable();
            all.dedup();
            all
        });
        let first = all.partition_point(|&address| address < range.start);
        all.get(first).copied().filter(|address| range.contains(address))
    }
}

/// Those in `wanted`.
fn data_addresses<'c>(code: &'c Code<'_>, wanted: Range<u64>) -> impl Iterator<Item = u64> + 'c {
    let elf = code.elf;
    let sections = elf.sections.iter().filter(|section| section.name.starts_with(".got"));
    let got: Vec<AddressRange> = sections.map(|section| section.range).collect();
    let writable = elf.segments.iter().filter(|segment| segment.permissions.write).map(|segment| segment.range);
    let writable: Vec<AddressRange> = writable.collect();
    let span = span(writable.iter().copied());
    let span = span.start.max(wanted.start)..span.end.min(wanted.end);
    let relocations = elf.relocations.iter().map(|relocation| (relocation.target, relocation.addend.0));
    let relocations = relocations.filter(move |(_, address)| wanted.contains(address));
    let segments = elf.segments.iter().filter(|_| elf.kind == crate::elf::ElfKind::Executable);
    let words = segments.flat_map(move |segment| aligned_words(code, segment, span.clone()));
    let words = words.filter(move |&(_, word)| writable.iter().any(|range| range.contains(Address(word))));
    let all = relocations.chain(words).filter(move |&(holder, _)| !got.iter().any(|range| range.contains(holder)));
    all.map(|(_, address)| address)
}

/// Every word of data that can be an address: place and value. In a static-PIE these are the base relocations, in an
/// `ET_EXEC` all aligned words. The GOT is left out for the same reason.
pub(super) fn data_words<'c>(code: &'c Code<'_>) -> impl Iterator<Item = (u64, u64)> + 'c {
    let elf = code.elf;
    let got = elf.sections.iter().filter(|section| section.name.starts_with(".got")).map(|section| section.range);
    let got: Vec<AddressRange> = got.collect();
    let is_got = move |address: Address| got.iter().any(|range| range.contains(address));
    let relocations = elf.relocations.iter().map(|relocation| (relocation.target, relocation.addend.0));
    let segments = elf.segments.iter().filter(|_| elf.kind == crate::elf::ElfKind::Executable);
    let words = segments.flat_map(|segment| aligned_words(code, segment, 1..u64::MAX));
    let words = words.filter(|&(holder, _)| !code.contains(holder.0));
    relocations.chain(words).filter(move |&(holder, _)| !is_got(holder)).map(|(holder, value)| (holder.0, value))
}

/// From the lowest to the highest address of `ranges`.
fn span(ranges: impl Iterator<Item = AddressRange>) -> Range<u64> {
    let (mut start, mut end) = (u64::MAX, 0);
    for range in ranges {
        (start, end) = (start.min(range.start().0), end.max(range.end().0));
    }
    start..end
}

/// The aligned 8-byte words of a segment's file contents that are `wanted`, with their addresses.
fn aligned_words<'c>(
    code: &'c Code<'_>,
    segment: &'c Segment,
    wanted: Range<u64>,
) -> impl Iterator<Item = (Address, u64)> + 'c {
    let lead = (segment.range.start().0.wrapping_neg() & 7) as usize;
    let bytes = code.elf.segment_bytes(segment).get(lead..).unwrap_or_default();
    let start = segment.range.start().offset(lead as i64);
    // The file and program headers, mapped with the first segment, hold addresses that are nobody's pointers.
    let table = code.elf.program_headers.unwrap_or_default().0;
    let headers = table.saturating_sub(64)..table.saturating_add(56 * u64::from(code.elf.program_header_count));
    let words = bytes.chunks_exact(8).map(|word| word.first_chunk().map_or(0, |word| u64::from_le_bytes(*word)));
    let words = words.enumerate().filter(move |(_, value)| wanted.contains(value));
    let words = words.map(move |(index, value)| (start.offset(index as i64 * 8), value));
    words.filter(move |(holder, _)| table == 0 || !headers.contains(&holder.0))
}
