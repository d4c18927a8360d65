//! Writes an image as ELF: one load segment and one section for each piece, the symbols of both halves, the note.

use object::elf;
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SectionIndex, Sym, Writer};

use super::{ImageError, ImageNote, Layout, NOTE_SECTION};
use crate::elf::{AppElf, Symbol, SymbolKind};
use crate::plan::Plan;

/// Segments start at file offsets that agree with their addresses modulo this, bytes, as loaders that map files want.
const PAGE: u64 = 4096;

/// The image's bytes.
pub(super) fn elf(app: &AppElf, plan: &Plan, layout: &Layout, note: &ImageNote) -> Result<Vec<u8>, ImageError> {
    let fault = |message: String| ImageError::Write { message };
    let note = serde_json::to_vec_pretty(note).map_err(|error| fault(error.to_string()))?;
    let program_symbols: Vec<Symbol> = app
        .symbols
        .iter()
        .map(|symbol| Symbol { address: plan.placement.placed(symbol.address), ..symbol.clone() })
        .collect();
    let symbols: Vec<&Symbol> = program_symbols.iter().chain(&layout.kernel_symbols).collect();

    let mut bytes = Vec::new();
    let mut writer = Writer::new(object::Endianness::Little, true, &mut bytes);

    // First everything is given its place …
    writer.reserve_file_header();
    writer.reserve_program_headers(layout.pieces.len() as u32);
    let mut offsets = Vec::new();
    for piece in &layout.pieces {
        let wanted = piece.range.start().0 % PAGE;
        let current = writer.reserved_len();
        let offset = current + (wanted + PAGE - current % PAGE) % PAGE;
        writer.reserve_until(offset);
        writer.reserve(piece.bytes.len() as u64, 1);
        offsets.push(offset);
    }
    let note_offset = writer.reserve(note.len() as u64, 8);
    writer.reserve_null_section_index();
    let section_names: Vec<_> =
        layout.pieces.iter().map(|piece| writer.add_section_name(piece.name.as_bytes())).collect();
    let section_indices: Vec<SectionIndex> = layout.pieces.iter().map(|_| writer.reserve_section_index()).collect();
    let note_name = writer.add_section_name(NOTE_SECTION.as_bytes());
    writer.reserve_section_index();
    writer.reserve_symtab_section_index();
    writer.reserve_strtab_section_index();
    writer.reserve_shstrtab_section_index();
    writer.reserve_null_symbol_index();
    let names: Vec<_> = symbols.iter().map(|symbol| writer.add_string(symbol.name.as_bytes())).collect();
    let homes: Vec<Option<SectionIndex>> = symbols
        .iter()
        .map(|symbol| {
            let index = layout.pieces.partition_point(|piece| piece.range.end() <= symbol.address);
            layout.pieces.get(index).filter(|piece| piece.range.contains(symbol.address))?;
            section_indices.get(index).copied()
        })
        .collect();
    for home in &homes {
        writer.reserve_symbol_index(*home);
    }
    writer.reserve_symtab();
    writer.reserve_strtab().map_err(|error| fault(error.to_string()))?;
    writer.reserve_shstrtab().map_err(|error| fault(error.to_string()))?;
    writer.reserve_section_headers();

    // … then it is written, in the same order.
    let header = FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_EXEC,
        e_machine: elf::EM_RISCV,
        e_entry: layout.entry.0,
        e_flags: if plan.platform.isa.compressed { elf::EF_RISCV_RVC } else { elf::FileFlags(0) },
    };
    writer.write_file_header(&header).map_err(|error| fault(error.to_string()))?;
    writer.write_align_program_headers();
    for (piece, &offset) in layout.pieces.iter().zip(&offsets) {
        let mut flags = elf::ProgramFlags(0);
        for (set, flag) in [
            (piece.permissions.read, elf::PF_R),
            (piece.permissions.write, elf::PF_W),
            (piece.permissions.execute, elf::PF_X),
        ] {
            flags.0 |= if set { flag.0 } else { 0 };
        }
        let start = piece.range.start();
        let physical = plan.placement.physical(start);
        let physical = physical.ok_or_else(|| fault(format!("the page table does not show {start}")))?;
        writer.write_program_header(&ProgramHeader {
            p_type: elf::PT_LOAD,
            p_flags: flags,
            p_offset: offset,
            p_vaddr: start.0,
            p_paddr: physical.0,
            p_filesz: piece.bytes.len() as u64,
            p_memsz: piece.range.size().0,
            p_align: PAGE,
        });
    }
    for (piece, &offset) in layout.pieces.iter().zip(&offsets) {
        writer.pad_until(offset);
        writer.write(&piece.bytes);
    }
    writer.pad_until(note_offset);
    writer.write(&note);
    writer.write_null_symbol();
    for ((symbol, name), home) in symbols.iter().zip(&names).zip(&homes) {
        let kind = match symbol.kind {
            SymbolKind::Function => elf::STT_FUNC,
            SymbolKind::Object => elf::STT_OBJECT,
            SymbolKind::Label => elf::STT_NOTYPE,
        };
        let st_name = writer.string_offset(Some(*name));
        writer.write_symbol(&Sym {
            section: home.map(|index| index.0),
            st_name,
            st_info: elf::SymbolInfo::new(elf::STB_LOCAL, kind),
            st_other: elf::SymbolOther(0),
            st_shndx: if home.is_some() { elf::SymbolSection(0) } else { elf::SHN_ABS },
            st_value: symbol.address.0,
            st_size: symbol.size.0,
        });
    }
    writer.write_strtab();
    writer.write_shstrtab();
    writer.write_null_section_header();
    for ((piece, name), &offset) in layout.pieces.iter().zip(&section_names).zip(&offsets) {
        let mut flags = elf::SHF_ALLOC;
        flags.0 |= if piece.permissions.write { elf::SHF_WRITE.0 } else { 0 };
        flags.0 |= if piece.permissions.execute { elf::SHF_EXECINSTR.0 } else { 0 };
        // A piece without bytes in the file is pure zero memory. One with both is described by its file part: sections
        // cannot be mixed, and loaders go by the segments.
        let (sh_type, sh_size) = match piece.bytes.len() {
            0 => (elf::SHT_NOBITS, piece.range.size().0),
            size => (elf::SHT_PROGBITS, size as u64),
        };
        let sh_name = writer.section_name_offset(Some(*name));
        writer.write_section_header(&SectionHeader {
            sh_name,
            sh_type,
            sh_flags: flags,
            sh_addr: piece.range.start().0,
            sh_offset: offset,
            sh_size,
            sh_link: 0,
            sh_info: 0,
            sh_addralign: 1,
            sh_entsize: 0,
        });
    }
    let sh_name = writer.section_name_offset(Some(note_name));
    writer.write_section_header(&SectionHeader {
        sh_name,
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SectionFlags(0),
        sh_addr: 0,
        sh_offset: note_offset,
        sh_size: note.len() as u64,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 8,
        sh_entsize: 0,
    });
    writer.write_symtab_section_header(symbols.len() as u32 + 1);
    writer.write_strtab_section_header();
    writer.write_shstrtab_section_header();
    Ok(bytes)
}
