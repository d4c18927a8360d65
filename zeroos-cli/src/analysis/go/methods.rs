//! Method tables of types: records of four 32-bit numbers (name, type, and the function in two calling forms), the
//! functions as offsets from the start of text (`internal/abi/type.go`, `Method`). No 8-byte word shows these functions,
//! and nothing in the file points at the records, so they are found by their form in all data of the program.

use super::GoTable;
use super::header::aligned;
use crate::address::Address;
use crate::elf::AppElf;

/// A record that has the form of a method's.
struct Record {
    name: u32,
    kind: u32,
    /// Where its first function's offset lies.
    place: Address,
    functions: [u64; 2],
}

/// The functions of all method records, with the place of the offset, ascending. A record counts if it lies at a
/// multiple of four, has a name and a function type, and both functions start where functions start; the linker writes
/// -1 for methods that nothing can call. Numbers that look the same by chance only add functions.
pub(super) fn find(table: &GoTable<'_>) -> Vec<(u64, Address)> {
    let starts = Starts::new(table);
    let mut records = Vec::new();
    for segment in table.elf.segments.iter().filter(|segment| segment.permissions.read) {
        let (first, bytes) = aligned(table.elf, segment);
        let last = first.saturating_add(bytes.len() as u64);
        for (from, to) in data_parts(table, first, last) {
            let part = bytes.get((from - first) as usize..(to - first) as usize).unwrap_or_default();
            scan(&starts, part, from, last - first, &mut records);
        }
    }
    if let Some(base) = types(table, &records) {
        records.retain(|record| record.is_described(table.elf, base));
    }
    let places = |record: &Record| [(record.functions[0], record.place), (record.functions[1], record.place.offset(4))];
    let mut found: Vec<(u64, Address)> = records.iter().flat_map(places).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Where types start. Which word of the module data says so depends on the version: it is the one under which records
/// have a name and a function type. If under none even an eighth of them do, `None`: then their form alone decides.
fn types(table: &GoTable<'_>, records: &[Record]) -> Option<u64> {
    /// Records that are asked.
    const SAMPLE: usize = 256;
    let sample: Vec<&Record> = records.iter().step_by(records.len() / SAMPLE + 1).collect();
    let described = |base: u64| sample.iter().filter(|record| record.is_described(table.elf, base)).count();
    let (count, base) = table.bases.iter().map(|&base| (described(base), base)).max()?;
    (count > 0 && 8 * count >= sample.len()).then_some(base)
}

impl Record {
    /// Whether there is a name and a type of a function where the record says, counted from `base`.
    fn is_described(&self, elf: &AppElf, base: u64) -> bool {
        let at = |offset: u32| elf.bytes_from(Address(base.checked_add(offset.into())?));
        /// `abi.Type.Kind_`, of which the low five bits are the kind; `abi.Func`.
        const KIND: usize = 23;
        const FUNCTION: u8 = 19;
        let kind = at(self.kind).and_then(|kind| kind.get(KIND).copied());
        kind.is_some_and(|kind| kind & 31 == FUNCTION) && at(self.name).is_some_and(is_name)
    }
}

/// Whether `bytes` start with an `abi.Name`: four flag bits, a length in base 128, that many bytes of UTF-8.
fn is_name(bytes: &[u8]) -> bool {
    let Some((&flags, mut rest)) = bytes.split_first() else { return false };
    let mut length = 0usize;
    for shift in [0, 7, 14] {
        let Some((&byte, behind)) = rest.split_first() else { return false };
        rest = behind;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let name = rest.get(..length).filter(|name| !name.is_empty() && flags < 16);
    name.is_some_and(|name| std::str::from_utf8(name).is_ok())
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

fn scan(starts: &Starts, part: &[u8], address: u64, reach: u64, found: &mut Vec<Record>) {
    let mut before = [0u32; 3];
    for (index, word) in part.chunks_exact(4).enumerate() {
        let Some(word) = word.first_chunk().map(|word| u32::from_le_bytes(*word)) else { continue };
        let [name, kind, function] = before;
        let described = is_offset(name, reach) && is_offset(kind, reach) && kind % 8 == 0;
        if starts.contains(word) && starts.contains(function) && described {
            let place = address + 4 * index as u64;
            let functions = [function, word].map(|offset| starts.base + u64::from(offset));
            found.push(Record { name, kind, place: Address(place - 4), functions });
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
