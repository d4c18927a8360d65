//! Method tables of types: records of four 32-bit numbers (name, type, and the function in two calling forms), the
//! functions as offsets from the start of text (`internal/abi/type.go`, `Method`). No 8-byte word shows these functions,
//! and nothing in the file points at the records, so they are found by their form in all data of the program.

use super::GoTable;
use super::header::aligned;
use crate::address::Address;

/// The functions of all method records, with the place of the offset, ascending. A record counts if it lies at a
/// multiple of four, has a name and a type (whose descriptor holds pointers, so it is aligned), and both functions start
/// where functions start; the linker writes -1 for
/// methods that nothing can call. Numbers that look the same by chance only add functions.
pub(super) fn find(table: &GoTable<'_>) -> Vec<(u64, Address)> {
    let starts = Starts::new(table);
    let mut found = Vec::new();
    for segment in table.elf.segments.iter().filter(|segment| segment.permissions.read) {
        let (first, bytes) = aligned(table.elf, segment);
        let last = first.saturating_add(bytes.len() as u64);
        for (from, to) in data_parts(table, first, last) {
            let part = bytes.get((from - first) as usize..(to - first) as usize).unwrap_or_default();
            scan(&starts, part, from, last - first, &mut found);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What of `first..last` is neither the functions' code nor the function table, which is all offsets of code.
fn data_parts(table: &GoTable<'_>, first: u64, last: u64) -> Vec<(u64, u64)> {
    let code = (table.starts[0], table.end);
    let mut holes = [code, (table.address, table.table_end)];
    holes.sort_unstable();
    let mut parts = Vec::new();
    let mut from = first;
    for (start, end) in holes {
        if from < start.min(last) {
            parts.push((from, start.min(last)));
        }
        from = from.max(end.checked_next_multiple_of(4).unwrap_or(end));
    }
    if from < last {
        parts.push((from, last));
    }
    parts
}

fn scan(starts: &Starts, part: &[u8], address: u64, reach: u64, found: &mut Vec<(u64, Address)>) {
    let mut before = [0u32; 3];
    for (index, word) in part.chunks_exact(4).enumerate() {
        let Some(word) = word.first_chunk().map(|word| u32::from_le_bytes(*word)) else { continue };
        let [name, kind, function] = before;
        let described = is_offset(name, reach) && is_offset(kind, reach) && kind % 8 == 0;
        if starts.contains(word) && starts.contains(function) && described {
            let place = address + 4 * index as u64;
            found.push((starts.base + u64::from(function), Address(place - 4)));
            found.push((starts.base + u64::from(word), Address(place)));
        }
        before = [kind, function, word];
    }
}

/// Whether it can be the offset of a name or type: neither absent (0) nor unreachable (-1), and inside the segment that
/// holds them all.
fn is_offset(word: u32, reach: u64) -> bool {
    word != 0 && u64::from(word) < reach
}

/// One bit per possible start: an eighth of the code's size or less.
struct Starts {
    base: u64,
    bits: Vec<u64>,
}

impl Starts {
    fn new(table: &GoTable<'_>) -> Starts {
        let base = table.text;
        let places = (table.end.saturating_sub(base) / 2) as usize;
        let mut bits = vec![0; places / 64 + 1];
        for start in &table.starts {
            let place = start.saturating_sub(base) as usize / 2;
            if let Some(word) = bits.get_mut(place / 64) {
                *word |= 1u64 << (place % 64);
            }
        }
        Starts { base, bits }
    }

    fn contains(&self, offset: u32) -> bool {
        let place = offset as usize / 2;
        offset & 1 == 0 && self.bits.get(place / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }
}
