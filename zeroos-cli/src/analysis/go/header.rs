//! The header of Go's function table in each of its versions, and the module data that points at it.

use crate::address::Address;
use crate::elf::{AppElf, Segment};

/// How the records of one version lie, and where this file's are.
pub(super) struct Layout {
    /// Bytes of an address or offset of code in the table: 8 before Go 1.18, 4 since.
    width: usize,
    /// Number of functions.
    count: usize,
    /// Where the entries (code, record) start, in bytes from the header.
    entries: usize,
    /// What offsets of records count from.
    records: usize,
    /// What offsets of names count from.
    names: usize,
    /// Behind the entries and the code address that ends them.
    pub functions_end: usize,
    /// What offsets of code count from, if the header tells (Go 1.18 to 1.25).
    pub text: Option<u64>,
    /// Bytes of `_func` before its variable parts; `None` for versions of which it is not needed.
    function: Option<usize>,
}

/// What module data tells.
pub(super) struct Module {
    /// What offsets of code count from.
    pub text: u64,
    /// Behind the function table, as an address.
    pub table_end: u64,
    /// The words among which is the start of the types; versions differ in what comes before it.
    pub bases: Vec<u64>,
}

/// `pcHeader.magic`, Go 1.2, 1.16, 1.18, 1.20.
const MAGICS: [u32; 4] = [0xffff_fffb, 0xffff_fffa, 0xffff_fff0, 0xffff_fff1];

/// Addresses where the header of a function table may lie: magic, two zeros, a code quantum of 1, 2 or 4 bytes and
/// pointers of 8. Data segments come first, so that a table there is found before constants in code.
pub(super) fn candidates(elf: &AppElf) -> Vec<u64> {
    let named = elf.sections.iter().filter(|section| section.name.ends_with(".gopclntab"));
    let mut found: Vec<u64> = named
        .map(|section| section.range.start().0)
        .filter(|&address| elf.word_at(Address(address)).is_some_and(is_header))
        .collect();
    if !found.is_empty() {
        return found;
    }
    for executable in [false, true] {
        for segment in elf.segments.iter().filter(|segment| segment.permissions.execute == executable) {
            let (start, bytes) = aligned(elf, segment);
            let words = bytes.chunks_exact(8).enumerate();
            let places =
                words.filter(|(_, word)| word.first_chunk().is_some_and(|word| is_header(u64::from_le_bytes(*word))));
            found.extend(places.map(|(index, _)| start + 8 * index as u64));
        }
    }
    found
}

fn is_header(word: u64) -> bool {
    let [.., zero, zero_too, quantum, pointer] = word.to_le_bytes();
    MAGICS.contains(&(word as u32)) && (zero, zero_too, pointer) == (0, 0, 8) && matches!(quantum, 1 | 2 | 4)
}

/// Whether the Go linker's build information is there (`debug/buildinfo`: 14 bytes of magic, aligned to 16, in data).
pub(super) fn has_build_information(elf: &AppElf) -> bool {
    const MAGIC: &[u8] = b"\xff Go buildinf:";
    if elf.sections.iter().any(|section| section.name == ".go.buildinfo") {
        return true;
    }
    let data = elf.segments.iter().filter(|segment| segment.permissions.write);
    data.map(|segment| aligned(elf, segment)).any(|(start, bytes)| {
        let lead = (start.wrapping_neg() & 15) as usize;
        bytes.get(lead..).unwrap_or_default().chunks(16).any(|line| line.starts_with(MAGIC))
    })
}

/// The segment's file contents from the first 8-byte boundary on.
pub(super) fn aligned<'a>(elf: &'a AppElf, segment: &Segment) -> (u64, &'a [u8]) {
    let start = segment.range.start().0;
    let lead = start.wrapping_neg() & 7;
    (start.wrapping_add(lead), elf.segment_bytes(segment).get(lead as usize..).unwrap_or_default())
}

impl Layout {
    /// Whether the table holds whole addresses of code, not offsets (before Go 1.18).
    pub fn holds_addresses(&self) -> bool {
        self.width == 8
    }

    /// Reads the header in front of `bytes`, which lies at `address`.
    pub fn read(elf: &AppElf, address: u64, bytes: &[u8]) -> Option<Layout> {
        let word = |index: usize| usize::try_from(number(bytes, 8 * index, 8)?).ok();
        let count = word(1)?;
        let magic = number(bytes, 0, 4)? as u32;
        let (width, entries, records, names, text) = match magic {
            0xffff_fffb => (8, 16, 0, 0, None),
            0xffff_fffa => (8, word(7)?, word(7)?, word(3)?, None),
            0xffff_fff0 | 0xffff_fff1 => {
                let text = pointer(elf, address.checked_add(24)?)?;
                (4, word(8)?, word(8)?, word(4)?, (text != 0).then_some(text))
            }
            _ => return None,
        };
        let function = match magic {
            0xffff_fff0 => Some(40),
            0xffff_fff1 => Some(44),
            _ => None,
        };
        let functions_end = count.checked_mul(2 * width)?.checked_add(width)?.checked_add(entries)?;
        let fits = count > 0 && functions_end <= bytes.len() && records < bytes.len() && names < bytes.len();
        fits.then_some(Layout { width, count, entries, records, names, functions_end, text, function })
    }

    /// Entry addresses and the end of the last function; `None` unless they ascend and every record repeats its own.
    pub fn functions(&self, bytes: &[u8], text: u64) -> Option<(Vec<u64>, u64)> {
        let mut starts = Vec::with_capacity(self.count);
        let mut lowest = 0;
        for index in 0..self.count {
            let code = number(bytes, self.entry(index), self.width)?;
            let address = text.checked_add(code)?;
            let ascends = starts.is_empty() || lowest < address;
            if !ascends || address & 1 != 0 || number(bytes, self.record(bytes, index)?, self.width)? != code {
                return None;
            }
            lowest = address;
            starts.push(address);
        }
        let end = text.checked_add(number(bytes, self.entry(self.count), self.width)?)?;
        (lowest < end).then_some((starts, end))
    }

    /// `_func.deferreturn` of a function.
    pub fn deferreturn(&self, bytes: &[u8], index: usize) -> Option<u32> {
        // Behind entry, name and argument size.
        Some(number(bytes, self.record(bytes, index)?.checked_add(self.width + 8)?, 4)? as u32)
    }

    /// `_func.funcdata` of a function: which kind of record, and its offset.
    pub fn function_data<'b>(&self, bytes: &'b [u8], index: usize) -> impl Iterator<Item = (usize, u32)> + use<'b> {
        self.function_data_place(bytes, index).into_iter().flat_map(move |(place, count)| {
            let offset = move |kind: usize| Some((kind, number(bytes, place + 4 * kind, 4)? as u32));
            (0..count).filter_map(offset).filter(|&(_, offset)| offset != u32::MAX)
        })
    }

    /// Where `_func.funcdata` lies, and how many there are.
    fn function_data_place(&self, bytes: &[u8], index: usize) -> Option<(usize, usize)> {
        /// `_func.npcdata`, in bytes.
        const TABLES: usize = 28;
        let (record, size) = (self.record(bytes, index)?, self.function?);
        let tables = usize::try_from(number(bytes, record.checked_add(TABLES)?, 4)?).ok()?;
        let place = record.checked_add(size)?;
        Some((tables.checked_mul(4)?.checked_add(place)?, usize::from(*bytes.get(place.checked_sub(1)?)?)))
    }

    /// The name of a function.
    pub fn name<'b>(&self, bytes: &'b [u8], index: usize) -> Option<&'b str> {
        let offset = number(bytes, self.record(bytes, index)?.checked_add(self.width)?, 4)?;
        let rest = bytes.get(self.names.checked_add(usize::try_from(offset).ok()?)?..)?;
        let length = rest.iter().position(|&byte| byte == 0)?;
        std::str::from_utf8(&rest[..length]).ok().filter(|name| !name.is_empty())
    }

    fn entry(&self, index: usize) -> usize {
        self.entries + index * 2 * self.width
    }

    fn record(&self, bytes: &[u8], index: usize) -> Option<usize> {
        let offset = number(bytes, self.entry(index) + self.width, self.width)?;
        self.records.checked_add(usize::try_from(offset).ok()?)
    }

    /// Code and end of code as offsets of what `text` is, for checking module data.
    fn ends(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        Some((number(bytes, self.entry(0), self.width)?, number(bytes, self.entry(self.count), self.width)?))
    }
}

impl Module {
    /// The module data of the table at `address`: the words that begin with a pointer to it and agree with its header.
    /// Since Go 1.16; up to `text` the fields have not moved since.
    pub fn find(elf: &AppElf, address: u64, layout: &Layout) -> Option<Module> {
        let written = elf.segments.iter().filter(|segment| !segment.permissions.execute).flat_map(|segment| {
            let (start, bytes) = aligned(elf, segment);
            let words = bytes.chunks_exact(8).enumerate();
            let places = words.filter(move |(_, word)| word.first_chunk() == Some(&address.to_le_bytes()));
            places.map(move |(index, _)| start + 8 * index as u64)
        });
        let relocated = elf.relocations.iter().filter(|relocation| relocation.addend.0 == address);
        let places = written.chain(relocated.map(|relocation| relocation.target.0));
        places.filter_map(|place| Module::at(elf, place, address, layout)).next()
    }

    fn at(elf: &AppElf, place: u64, table: u64, layout: &Layout) -> Option<Module> {
        /// Words of `moduledata`: `funcnametab`, `pclntable` and its length, `ftab`, `minpc` and `maxpc`, `text`.
        const NAMES: u64 = 1;
        const RECORDS: u64 = 13;
        const ENTRIES: u64 = 16;
        const LOWEST: u64 = 20;
        const TEXT: u64 = 22;
        let word = |index: u64| pointer(elf, place.checked_add(8 * index)?);
        let within = |offset: usize| table.checked_add(offset as u64);
        let bytes = elf.bytes_from(Address(table))?;
        let agrees = word(NAMES) == within(layout.names)
            && word(RECORDS) == within(layout.records)
            && word(ENTRIES) == within(layout.entries);
        let text = word(TEXT)?;
        let (first, last) = layout.ends(bytes)?;
        let base = if layout.holds_addresses() { 0 } else { text };
        let code = word(LOWEST) == base.checked_add(first) && word(LOWEST + 1) == base.checked_add(last);
        let table_end = word(RECORDS)?.checked_add(word(RECORDS + 1)?)?;
        if !(agrees && code) {
            return None;
        }
        let mut bases: Vec<u64> = (TEXT + 2..TEXT + 24).filter_map(word).collect();
        bases.sort_unstable();
        bases.dedup();
        Some(Module { text, table_end, bases })
    }
}

/// The word at `address` as the program finds it: a relocation's addend or the file's bytes.
fn pointer(elf: &AppElf, address: u64) -> Option<u64> {
    let index = elf.relocations.partition_point(|relocation| relocation.target.0 < address);
    match elf.relocations.get(index) {
        Some(relocation) if relocation.target.0 == address => Some(relocation.addend.0),
        _ => elf.word_at(Address(address)),
    }
}

/// The little-endian number of `size` (4 or 8) bytes at `at`.
pub(super) fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let rest = bytes.get(at..)?;
    match size {
        4 => rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes).into()),
        _ => rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
    }
}
