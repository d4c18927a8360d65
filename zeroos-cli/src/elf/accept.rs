//! What is accepted, in the order in which the file is checked: identification, machine, kind, load segments, entry.
//! Nothing is trusted: every offset is checked against the file before it is used.

use std::sync::OnceLock;

use object::elf;
use object::endian::LittleEndian as Le;
use object::read::elf::{FileHeader, ProgramHeader};

use super::app::{AppElf, ElfKind, Permissions, Segment, Tls};
use super::{ElfError, hints, self_relocation};
use crate::address::{Address, AddressRange, ByteCount};

type Header = elf::FileHeader64<Le>;
type Program = elf::ProgramHeader64<Le>;

/// Largest memory a program's segments may span, in bytes: keeps hostile files from asking for the moon.
const LARGEST_SPAN: u64 = 1 << 40;
/// Most load segments; linkers make four to six. They may share file bytes, so this also bounds what a file can make of
/// its size.
const MOST_SEGMENTS: usize = 64;
/// `e_phnum` that stands for "see section header 0" (gABI): no program has so many.
const PN_XNUM: u16 = 0xffff;
/// Longest interpreter name that is repeated in a message, bytes.
const LONGEST_NAME: usize = 256;

/// Checks `bytes` and reads them.
pub(super) fn parse(bytes: Vec<u8>) -> Result<AppElf, ElfError> {
    identify(&bytes)?;
    let header = Header::parse(&*bytes).map_err(|_| truncated("the ELF header", 64, &bytes))?;
    check_machine(header)?;
    let kind = kind_of(header)?;
    if header.e_phnum(Le) == PN_XNUM {
        return Err(malformed(format!("{PN_XNUM} or more program headers; expected a few")));
    }
    let table_end =
        header.e_phoff(Le).saturating_add(u64::from(header.e_phnum(Le)) * u64::from(header.e_phentsize(Le)));
    if table_end > bytes.len() as u64 {
        return Err(truncated("the program header table", table_end, &bytes));
    }
    let programs = header.program_headers(Le, &*bytes).map_err(|error| malformed(error.to_string()))?;
    refuse_dynamic(programs, &bytes)?;
    let segments = load_segments(programs, &bytes)?;
    let entry = Address(header.e_entry(Le));
    let table = AddressRange::new(Address(header.e_phoff(Le)), ByteCount(table_end - header.e_phoff(Le)));
    let program_headers = table.and_then(|table| address_of_file_range(&segments, table));
    let dynamic = programs.iter().find(|program| program.p_type(Le) == elf::PT_DYNAMIC);
    let dynamic =
        dynamic.and_then(|program| AddressRange::new(Address(program.p_vaddr(Le)), ByteCount(program.p_filesz(Le))));
    let mut app = AppElf {
        kind,
        entry,
        isa: hints::isa(header, &bytes),
        program_headers,
        program_header_count: header.e_phnum(Le),
        alignment: alignment(programs)?,
        executable_stack: programs
            .iter()
            .any(|program| program.p_type(Le) == elf::PT_GNU_STACK && program.p_flags(Le).contains(elf::PF_X)),
        tls: tls(programs, &segments)?,
        symbols: hints::symbols(header, &bytes, &segments),
        sections: hints::sections(header, &bytes, &segments),
        relocations: Vec::new(),
        relocation_counts: Vec::new(),
        segments,
        bytes,
        sha256: OnceLock::new(),
    };
    if kind == ElfKind::StaticPie && (dynamic.is_none() || entry == Address(0)) {
        return Err(ElfError::NeedsLibraries { found: "ET_DYN without an entry or a dynamic section".into() });
    }
    // Instructions are 16-bit aligned with the C extension, 32-bit aligned without (ISA manual, "Base Instruction-Length
    // Encoding").
    if !entry.0.is_multiple_of(2) {
        return Err(malformed(format!("the entry {entry} is odd; expected an even address")));
    }
    if !app.is_code(entry) {
        return Err(malformed(format!("the entry {entry} lies in no executable segment")));
    }
    if let Some(dynamic) = dynamic {
        app.relocations = hints::relative_relocations(&app, dynamic);
        if kind == ElfKind::StaticPie {
            app.relocation_counts = self_relocation::counts(&app, dynamic);
        }
    }
    Ok(app)
}

fn malformed(what: String) -> ElfError {
    ElfError::Malformed { what }
}

fn truncated(what: &str, end: u64, bytes: &[u8]) -> ElfError {
    ElfError::Truncated { what: what.into(), end, file_size: bytes.len() as u64 }
}

fn identify(bytes: &[u8]) -> Result<(), ElfError> {
    if bytes.is_empty() {
        return Err(ElfError::Empty);
    }
    if !bytes.starts_with(&elf::ELFMAG) {
        let found = match bytes {
            [b'#', b'!', ..] => "a script",
            [b'M', b'Z', ..] => "a Windows program",
            [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => "a Mach-O file",
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a static library",
            _ if bytes.iter().take(512).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
                "a text file"
            }
            _ => "some other kind of file",
        };
        return Err(ElfError::NotElf { found });
    }
    let (Some(&class), Some(&data)) = (bytes.get(4), bytes.get(5)) else {
        return Err(truncated("the ELF header", 64, bytes));
    };
    match (elf::FileClass(class), elf::DataEncoding(data)) {
        (elf::ELFCLASS32, _) => Err(ElfError::Not64Bit),
        (_, elf::ELFDATA2MSB) => Err(ElfError::BigEndian),
        (elf::ELFCLASS64, elf::ELFDATA2LSB) => Ok(()),
        _ => Err(malformed(format!("class {class}, data encoding {data}; expected 2 and 1"))),
    }
}

fn check_machine(header: &Header) -> Result<(), ElfError> {
    let found = match header.e_machine(Le) {
        elf::EM_RISCV => return Ok(()),
        elf::EM_X86_64 => "x86-64".into(),
        elf::EM_AARCH64 => "AArch64".into(),
        elf::EM_386 => "32-bit x86".into(),
        elf::EM_ARM => "32-bit Arm".into(),
        elf::EM_MIPS => "MIPS".into(),
        elf::EM_LOONGARCH => "LoongArch".into(),
        elf::EM_PPC64 => "64-bit PowerPC".into(),
        other => format!("ELF machine {other}"),
    };
    Err(ElfError::OtherMachine { found })
}

fn kind_of(header: &Header) -> Result<ElfKind, ElfError> {
    let found = match header.e_type(Le) {
        elf::ET_EXEC => return Ok(ElfKind::Executable),
        elf::ET_DYN => return Ok(ElfKind::StaticPie),
        elf::ET_REL => "an object file (not linked yet)".into(),
        elf::ET_CORE => "a core dump".into(),
        other => format!("ELF type {other}"),
    };
    Err(ElfError::NotAProgram { found })
}

/// A program with an interpreter, and a library (no interpreter, but libraries or no way to start), are refused.
fn refuse_dynamic(programs: &[Program], bytes: &[u8]) -> Result<(), ElfError> {
    for program in programs {
        if program.p_type(Le) == elf::PT_INTERP {
            let name = program.data(Le, bytes).unwrap_or_default();
            let name = name[..name.len().min(LONGEST_NAME)].split(|&byte| byte == 0).next().unwrap_or_default();
            return Err(ElfError::Dynamic { interpreter: name.escape_ascii().to_string() });
        }
        if let Ok(Some(entries)) = program.dynamic(Le, bytes)
            && let Some(needed) = entries.iter().position(|entry| entry.d_tag.get(Le) == elf::DT_NEEDED)
        {
            return Err(ElfError::NeedsLibraries { found: format!("DT_NEEDED at dynamic entry {needed}") });
        }
    }
    Ok(())
}

fn load_segments(programs: &[Program], bytes: &[u8]) -> Result<Vec<Segment>, ElfError> {
    let mut segments = Vec::new();
    for program in programs.iter().filter(|program| program.p_type(Le) == elf::PT_LOAD) {
        let (offset, file_size) = (program.p_offset(Le), program.p_filesz(Le));
        let (start, memory_size) = (program.p_vaddr(Le), program.p_memsz(Le));
        if memory_size == 0 {
            continue;
        }
        let range = AddressRange::new(Address(start), ByteCount(memory_size)).ok_or_else(|| {
            malformed(format!("the segment of {memory_size} bytes at {start:#x} passes the address space"))
        })?;
        if file_size > memory_size {
            return Err(malformed(format!(
                "the segment at {start:#x} has {file_size} bytes of file for {memory_size} of memory"
            )));
        }
        let end = offset.saturating_add(file_size);
        if end > bytes.len() as u64 {
            return Err(truncated(&format!("the segment at {start:#x}"), end, bytes));
        }
        let flags = program.p_flags(Le);
        let permissions = Permissions {
            read: flags.contains(elf::PF_R),
            write: flags.contains(elf::PF_W),
            execute: flags.contains(elf::PF_X),
        };
        if segments.len() == MOST_SEGMENTS {
            return Err(malformed(format!("more than {MOST_SEGMENTS} load segments; expected a few")));
        }
        segments.push(Segment { range, file_offset: offset, file_size: ByteCount(file_size), permissions });
    }
    segments.sort_by_key(|segment| segment.range);
    for pair in segments.windows(2) {
        if pair[0].range.overlaps(pair[1].range) {
            return Err(ElfError::Overlap { first: pair[0].range, second: pair[1].range });
        }
    }
    let span = match (segments.first(), segments.last()) {
        (Some(first), Some(last)) => last.range.end() - first.range.start(),
        _ => return Err(malformed("no load segment; expected at least one".into())),
    };
    if span.0 > LARGEST_SPAN {
        return Err(malformed(format!("the load segments span {span}; expected at most {LARGEST_SPAN}")));
    }
    Ok(segments)
}

/// The largest `p_align` of the load segments; 0 and 1 mean none (gABI, "Program Header").
fn alignment(programs: &[Program]) -> Result<u64, ElfError> {
    let mut largest = 1;
    for program in programs.iter().filter(|program| program.p_type(Le) == elf::PT_LOAD) {
        let alignment = program.p_align(Le).max(1);
        if !alignment.is_power_of_two() {
            return Err(malformed(format!("a load segment is to be aligned to {alignment}, which is no power of two")));
        }
        largest = largest.max(alignment);
    }
    Ok(largest)
}

fn tls(programs: &[Program], segments: &[Segment]) -> Result<Option<Tls>, ElfError> {
    let Some(program) = programs.iter().find(|program| program.p_type(Le) == elf::PT_TLS) else { return Ok(None) };
    let (start, size, file_size) = (program.p_vaddr(Le), program.p_memsz(Le), program.p_filesz(Le));
    let range = AddressRange::new(Address(start), ByteCount(size))
        .filter(|_| file_size <= size)
        .ok_or_else(|| malformed(format!("the TLS template of {size} bytes at {start:#x} makes no sense")))?;
    let template = AddressRange::new(range.start(), ByteCount(file_size)).unwrap_or(range);
    if file_size > 0 && !segments.iter().any(|segment| segment.range.covers(template)) {
        return Err(malformed(format!("the TLS template at {start:#x} lies in no load segment")));
    }
    Ok(Some(Tls { range, file_size: ByteCount(file_size), alignment: program.p_align(Le).max(1) }))
}

/// Where the file bytes `range` lie in memory, if one segment holds all of them.
fn address_of_file_range(segments: &[Segment], range: AddressRange) -> Option<Address> {
    segments.iter().find_map(|segment| {
        let in_file = AddressRange::new(Address(segment.file_offset), segment.file_size)?;
        in_file.covers(range).then(|| segment.range.start().offset((range.start() - in_file.start()).0 as i64))
    })
}

#[cfg(test)]
mod tests;
