//! Serialises what the builder decided for the kernel: the [`BootInfo`], its tables and the committed files, as one
//! block of bytes for a known address.

use kernel_fragments::abi::memory::{PROT_EXEC, PROT_READ, PROT_WRITE};
use kernel_fragments::boot_info::{BootInfo, PROGRAM_RANGES, PageTables, Range, Table, Text};

use crate::address::{Address, AddressRange};
use crate::elf::Permissions;
use crate::plan::{PageTable, Plan};

/// A named place or number of a table.
pub(super) struct Named {
    pub value: u64,
    pub name: String,
}

/// What the block holds beside what the plan says.
pub(super) struct BootFacts<'a> {
    pub entry: Address,
    pub stack_pointer: Address,
    pub kernel_code: AddressRange,
    pub program_ranges: &'a [AddressRange],
    /// What segments allow, if the kernel asks.
    pub segments: &'a [(AddressRange, Permissions)],
    pub missing: &'a [Named],
    pub sites: &'a [Named],
    /// Places of the program and the kernel code that goes on there, ascending.
    pub continuations: &'a [(Address, Address)],
    /// The kernel's code that signal handlers return to, if it calls any.
    pub signal_return: Option<Address>,
}

/// The block for address `start`.
pub(super) fn serialise(plan: &Plan, facts: &BootFacts<'_>, start: Address) -> Vec<u8> {
    let mut block = Block { start: start.0, bytes: vec![0; size_of::<BootInfo>()] };
    let placement = &plan.placement;
    let mut program_ranges = [Range::NOWHERE; PROGRAM_RANGES];
    for (slot, &given) in program_ranges.iter_mut().zip(facts.program_ranges) {
        *slot = range(given);
    }
    let mut files: Vec<_> = plan.inputs.files.iter().collect();
    files.sort();
    let files = files.into_iter().map(|file| {
        let path = block.text(file.path.as_bytes());
        block.align(); // copies are by words then
        let contents = block.text(&file.contents);
        [path.address, path.len_bytes, contents.address, contents.len_bytes, u64::from(file.mode)]
    });
    let files: Vec<[u64; 5]> = files.collect();
    let files = block.table(&files);
    let missing = block.named(facts.missing);
    let sites = block.named(facts.sites);
    let continuations: Vec<[u64; 2]> = facts.continuations.iter().map(|&(place, code)| [place.0, code.0]).collect();
    let continuations = block.table(&continuations);
    let exports = plan.inputs.exports.iter().map(|path| block.text(path.as_bytes()));
    let exports: Vec<[u64; 2]> = exports.map(|path| [path.address, path.len_bytes]).collect();
    let exports = block.table(&exports);
    let segments: Vec<[u64; 3]> = facts.segments.iter().map(|&(range, access)| row(range, access)).collect();
    let segments = block.table(&segments);
    let executable_path = block.text(plan.inputs.executable_path.as_bytes());
    let word = |at: usize| u64::from_le_bytes(plan.inputs.seed[at * 8..at * 8 + 8].try_into().unwrap_or_default());
    let info = BootInfo {
        program_entry: facts.entry.0,
        initial_stack_pointer: facts.stack_pointer.0,
        program_ranges,
        break_range: range(placement.break_range),
        mapping_range: range(placement.mappings),
        stack_range: range(placement.stack),
        kernel_heap: range(placement.kernel_heap),
        kernel_code: range(facts.kernel_code),
        files,
        missing,
        sites,
        continuations,
        signal_return: facts.signal_return.map_or(0, |address| address.0),
        executable_path,
        seed: [word(0), word(1), word(2), word(3)],
        start_time_ns: plan.inputs.start_time_ns,
        output_descriptor: plan.inputs.output_fd.map_or(0, u64::from),
        exports,
        segments,
        page_tables: placement.page_table.as_ref().map(PageTable::boot_info).unwrap_or_default(),
    };
    let words = words(&info);
    for (slot, word) in block.bytes.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    block.bytes
}

/// Every field in declaration order; the destructuring breaks the build when a field is added and forgotten here.
fn words(info: &BootInfo) -> Vec<u64> {
    let BootInfo {
        program_entry,
        initial_stack_pointer,
        program_ranges,
        break_range,
        mapping_range,
        stack_range,
        kernel_heap,
        kernel_code,
        files,
        missing,
        sites,
        continuations,
        signal_return,
        executable_path,
        seed,
        start_time_ns,
        output_descriptor,
        exports,
        segments,
        page_tables,
    } = info;
    let mut words = vec![*program_entry, *initial_stack_pointer];
    let ranges = [break_range, mapping_range, stack_range, kernel_heap, kernel_code];
    words.extend(program_ranges.iter().chain(ranges).flat_map(|range| [range.start, range.end]));
    words.extend([files, missing, sites, continuations].iter().flat_map(|table| [table.address, table.count]));
    words.push(*signal_return);
    words.extend([executable_path.address, executable_path.len_bytes]);
    words.extend(seed);
    words.extend([
        *start_time_ns,
        *output_descriptor,
        exports.address,
        exports.count,
        segments.address,
        segments.count,
    ]);
    let PageTables { window, physical, directory, pages } = page_tables;
    words.extend([window.start, window.end, *physical, *directory, *pages]);
    words
}

/// A [`Segment`](kernel_fragments::boot_info::Segment).
fn row(range: AddressRange, permissions: Permissions) -> [u64; 3] {
    let Permissions { read, write, execute } = permissions;
    let bit = |set: bool, bit: u32| if set { u64::from(bit) } else { 0 };
    let access = bit(read, PROT_READ) | bit(write, PROT_WRITE) | bit(execute, PROT_EXEC);
    [range.start().0, range.end().0, access]
}

fn range(range: AddressRange) -> Range {
    Range { start: range.start().0, end: range.end().0 }
}

/// Bytes that will lie at `start`.
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

impl Block {
    /// Appends `text`, ended by a NUL for whoever wants one, and says where.
    fn text(&mut self, text: &[u8]) -> Text {
        let address = self.start + self.bytes.len() as u64;
        self.bytes.extend_from_slice(text);
        self.bytes.push(0);
        Text { address, len_bytes: text.len() as u64 }
    }

    /// What is appended next will be 8-aligned.
    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
    }

    /// Appends rows of words, 8-aligned, and says where.
    fn table<const N: usize>(&mut self, rows: &[[u64; N]]) -> Table {
        self.align();
        let address = self.start + self.bytes.len() as u64;
        self.bytes.extend(rows.iter().flatten().flat_map(|word| word.to_le_bytes()));
        Table { address, count: rows.len() as u64 }
    }

    fn named(&mut self, entries: &[Named]) -> Table {
        let rows: Vec<[u64; 3]> = entries
            .iter()
            .map(|entry| {
                let name = self.text(entry.name.as_bytes());
                [entry.value, name.address, name.len_bytes]
            })
            .collect();
        self.table(&rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_struct() {
        let page_tables = PageTables { pages: 2, ..PageTables::default() };
        let info = BootInfo { program_entry: 1, page_tables, ..BootInfo::default() };
        let words = words(&info);
        assert_eq!(words.len() * 8, size_of::<BootInfo>());
        assert_eq!((words[0], words.last()), (1, Some(&2)));
    }
}
