//! What the file tells beyond its load segments: ISA, symbols, sections, relocations. All but the relocations are
//! hints: a damaged table is taken for a missing one, since stripped programs are as welcome.

use std::collections::BTreeSet;

use object::elf;
use object::endian::LittleEndian as Le;
use object::read::elf::{FileHeader, SectionHeader, Sym};

use super::app::{AppElf, FloatAbi, Isa, Relocation, Section, Segment, Symbol, SymbolKind};
use crate::address::{Address, AddressRange, ByteCount};

type Header = elf::FileHeader64<Le>;

/// `DT_RELR`, `DT_RELRSZ`: packed relative relocations (gABI).
const DT_RELR: u64 = 36;
pub(super) const DT_RELRSZ: u64 = 35;
/// Size of an `Elf64_Rela`, bytes.
pub(super) const RELA_SIZE: usize = 24;
/// Names may share bytes of the string table, so a small hostile file can spell out a huge amount of them. A table whose
/// names take more than this many times the file's size is taken for damaged.
const LARGEST_NAMES: usize = 8;

/// Reads `e_flags` and the attribute string.
pub(super) fn isa(header: &Header, bytes: &[u8]) -> Isa {
    let flags = header.e_flags(Le);
    let float_abi = match flags.riscv_float_abi() {
        elf::EF_RISCV_FLOAT_ABI_SOFT => FloatAbi::Soft,
        elf::EF_RISCV_FLOAT_ABI_SINGLE => FloatAbi::Single,
        elf::EF_RISCV_FLOAT_ABI_DOUBLE => FloatAbi::Double,
        _ => FloatAbi::Quad,
    };
    Isa { compressed: flags.contains(elf::EF_RISCV_RVC), float_abi, attribute: arch_attribute(header, bytes) }
}

/// `Tag_RISCV_arch` of `.riscv.attributes` (psABI "Attributes"): found by its spelling, a NUL-ended `rv64…`, since the
/// section holds nothing else that looks like it.
fn arch_attribute(header: &Header, bytes: &[u8]) -> Option<String> {
    let sections = header.section_headers(Le, bytes).ok()?;
    let section = sections.iter().find(|section| section.sh_type(Le) == elf::SHT_RISCV_ATTRIBUTES)?;
    let data = section.data(Le, bytes).ok()?;
    let start = data.windows(4).position(|window| window == b"rv64")?;
    let text = data[start..].split(|&byte| byte == 0).next()?;
    String::from_utf8(text.to_vec()).ok()
}

/// Named places inside the segments, by address.
pub(super) fn symbols(header: &Header, bytes: &[u8], segments: &[Segment]) -> Vec<Symbol> {
    let Ok(sections) = header.sections(Le, bytes) else { return Vec::new() };
    let Ok(table) = sections.symbols(Le, bytes, elf::SHT_SYMTAB) else { return Vec::new() };
    let mut symbols = BTreeSet::new();
    let mut names_left = bytes.len().saturating_mul(LARGEST_NAMES);
    for symbol in table.iter() {
        let kind = match symbol.st_type() {
            elf::STT_FUNC | elf::STT_GNU_IFUNC => SymbolKind::Function,
            elf::STT_OBJECT => SymbolKind::Object,
            elf::STT_NOTYPE => SymbolKind::Label,
            _ => continue,
        };
        let address = Address(symbol.st_value(Le));
        if symbol.st_shndx(Le) == elf::SHN_UNDEF || segment_of(segments, address).is_none() {
            continue;
        }
        let name = symbol.name(Le, table.strings()).unwrap_or_default();
        let Some(left) = names_left.checked_sub(name.len()) else { return Vec::new() };
        names_left = left;
        // `$x`, `$d` are mapping symbols, `.L…` compiler-local labels: neither names a function. Control characters name
        // nothing and would reach the user's terminal.
        if name.is_empty() || name.starts_with(b"$") || name.starts_with(b".L") || name.iter().any(u8::is_ascii_control)
        {
            continue;
        }
        let (size, name) = (ByteCount(symbol.st_size(Le)), String::from_utf8_lossy(name).into_owned());
        symbols.insert(Symbol { address, size, kind, name });
    }
    symbols.into_iter().collect()
}

/// Sections inside the segments, by address.
pub(super) fn sections(header: &Header, bytes: &[u8], segments: &[Segment]) -> Vec<Section> {
    let Ok(table) = header.sections(Le, bytes) else { return Vec::new() };
    let mut names_left = bytes.len().saturating_mul(LARGEST_NAMES);
    let mut sections: Vec<Section> = table
        .iter()
        .filter(|section| section.sh_flags(Le).contains(elf::SHF_ALLOC))
        .filter_map(|section| {
            let range = AddressRange::new(Address(section.sh_addr(Le)), ByteCount(section.sh_size(Le)))?;
            let executable = section.sh_flags(Le).contains(elf::SHF_EXECINSTR);
            segment_of(segments, range.start()).filter(|segment| segment.range.covers(range))?;
            let name = table.section_name(Le, section).ok()?;
            names_left = names_left.checked_sub(name.len())?;
            Some(Section { name: String::from_utf8_lossy(name).into_owned(), range, executable })
        })
        .collect();
    sections.sort_by_key(|section| section.range);
    sections
}

/// The segment that holds `address`; `segments` are ascending and disjoint.
fn segment_of(segments: &[Segment], address: Address) -> Option<&Segment> {
    let index = segments.partition_point(|segment| segment.range.end() <= address);
    segments.get(index).filter(|segment| segment.range.contains(address))
}

/// The base-relative relocations that the dynamic section at `dynamic` lists (`DT_RELA`, `DT_RELR`).
pub(super) fn relative_relocations(app: &AppElf, dynamic: AddressRange) -> Vec<Relocation> {
    let dynamic = dynamic_entries(app, dynamic);
    let table = |start: u64, size: u64| dynamic_table(app, &dynamic, start, size);
    let mut relocations = BTreeSet::new();
    for entry in table(elf::DT_RELA.0 as u64, elf::DT_RELASZ.0 as u64).chunks_exact(RELA_SIZE) {
        let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
        let (target, info, addend) = (Address(word(0)), word(8), Address(word(16)));
        if elf::RelocationType(info as u32) == elf::R_RISCV_RELATIVE {
            relocations.insert(Relocation { target, addend });
        }
    }
    add_packed_relocations(app, table(DT_RELR, DT_RELRSZ), &mut relocations);
    relocations.into_iter().collect()
}

/// The table whose address and size in bytes the entries with the tags `start` and `size` tell, as far as the file gives it.
pub(super) fn dynamic_table<'a>(app: &'a AppElf, dynamic: &[(u64, u64)], start: u64, size: u64) -> &'a [u8] {
    let value = |wanted: u64| dynamic.iter().find(|&&(tag, _)| tag == wanted).map(|&(_, value)| value);
    match (value(start), value(size)) {
        (Some(address), Some(size)) => {
            let bytes = app.bytes_from(Address(address)).unwrap_or_default();
            &bytes[..bytes.len().min(usize::try_from(size).unwrap_or(usize::MAX))]
        }
        _ => &[],
    }
}

/// `(tag, value)` of the dynamic section, up to its DT_NULL.
pub(super) fn dynamic_entries(app: &AppElf, range: AddressRange) -> Vec<(u64, u64)> {
    let bytes = app.bytes_from(range.start()).unwrap_or_default();
    let bytes = &bytes[..bytes.len().min(range.size().0 as usize)];
    let entries = bytes.chunks_exact(16).map(|entry| {
        let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or_default());
        (word(0), word(8))
    });
    entries.take_while(|&(tag, _)| tag != 0).collect()
}

/// `DT_RELR` (gABI, "Relative Relocation Table"): an even word is an address, an odd one a bitmap of the 63 words behind.
/// Straight into the set: a hostile table can name one word any number of times.
fn add_packed_relocations(app: &AppElf, table: &[u8], relocations: &mut BTreeSet<Relocation>) {
    let mut push = |target: u64| {
        if let Some(addend) = app.word_at(Address(target)) {
            relocations.insert(Relocation { target: Address(target), addend: Address(addend) });
        }
    };
    let mut next = 0u64;
    for entry in table.chunks_exact(8) {
        let entry = u64::from_le_bytes(entry.try_into().unwrap_or_default());
        if entry & 1 == 0 {
            push(entry);
            next = entry.wrapping_add(8);
        } else {
            for bit in (1..64).filter(|bit| entry >> bit & 1 != 0) {
                push(next.wrapping_add((bit - 1) * 8));
            }
            next = next.wrapping_add(63 * 8);
        }
    }
}
