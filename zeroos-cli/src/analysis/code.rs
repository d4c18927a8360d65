//! The program's bytes as the analysis reads them: instructions where code may lie, constants where memory cannot
//! change, and a linear sweep that guesses where functions start. Guesses only cut the code into pieces; what is
//! reachable is never decided by them.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::arena::Arena;
use super::cursor::Cursor;
use super::go::GoFile;
use super::holders::constant_sections;
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{AppElf, SymbolKind};
use crate::isa::{ControlFlow, Instruction, Op, Register};

/// Code and constant data of one program.
pub(super) struct Code<'a> {
    pub elf: &'a AppElf,
    /// Where the analysis keeps what it hands around by reference.
    pub arena: &'a Arena<'a>,
    /// What Go's own tables say, if it is a Go program.
    pub go: GoFile<'a>,
    texts: Vec<Text<'a>>,
    /// Whether instructions are 4 bytes long, on multiples of 4.
    pub whole_words: bool,
    /// Whether others were met all the same.
    met_halves: &'a Cell<bool>,
    /// Executable memory that by the section headers holds no code, ascending.
    other_executable: Vec<AddressRange>,
    /// Where constants lie that only references lead to, widened by what a displacement reaches.
    constants: Vec<AddressRange>,
    /// Writable memory, ascending.
    writable: Vec<AddressRange>,
    /// Writable memory that only the linker and `ifunc` resolvers write: the GOT. What else is read-only after start-up
    /// may have been written before (glibc's `attribute_relro`).
    frozen: Vec<AddressRange>,
    /// What base relocations put where, by place.
    relocated: Vec<(u64, u64)>,
    /// Words that start-up code fills with what an `ifunc` resolver returns (`R_RISCV_IRELATIVE`), with the resolver.
    pub indirect: BTreeSet<(u64, u64)>,
}

/// A range in which instructions may lie.
struct Text<'a> {
    range: AddressRange,
    bytes: &'a [u8],
    /// The slot of its first halfword.
    first_slot: usize,
}

impl<'a> Code<'a> {
    /// How far the 12-bit displacement of a load, a store or an `addi` reaches, in bytes.
    pub const DISPLACEMENT: u64 = 2048;

    /// See [`Code::slot`].
    pub const SLOT_GROUP: usize = 8;

    /// A view of `elf`. Where code may lie is taken from its sections, or, as the machine does, from its segments; whether all
    /// instructions are whole words is for the caller to say.
    pub fn new(elf: &'a AppElf, arena: &'a Arena<'a>, by: CodeBy, whole_words: bool) -> Code<'a> {
        let got = elf.sections.iter().filter(|section| section.name.starts_with(".got")).map(|section| section.range);
        let frozen = got.collect();
        let mut relocated: Vec<_> = elf.relocations.iter().map(|each| (each.target.0, each.addend.0)).collect();
        relocated.sort_by_key(|&(target, _)| target);
        let (go, texts, indirect) = (GoFile::of(elf), texts(elf, by), indirect_relocations(elf));
        let other_executable = other_executable(elf, &texts);
        let writable = elf.segments.iter().filter(|segment| segment.permissions.write);
        let writable = writable.map(|segment| segment.range).collect();
        let reach = Code::DISPLACEMENT;
        let widened = |range: AddressRange| {
            let start = range.start().0.saturating_sub(reach);
            AddressRange::new(Address(start), ByteCount((range.end().0 - start).saturating_add(reach)))
        };
        let constants = constant_sections(elf).filter_map(|section| widened(section.range));
        let constants = if go.table().is_some() { Vec::new() } else { constants.collect() };
        let met_halves = arena.keep(Cell::new(false));
        Code {
            elf,
            arena,
            go,
            texts,
            whole_words,
            met_halves,
            other_executable,
            constants,
            writable,
            frozen,
            relocated,
            indirect,
        }
    }

    /// The instruction at `address`, if it lies in code and is a known encoding.
    pub fn fetch(&self, address: u64) -> Option<Instruction> {
        self.instructions_from(address).next().map(|(_, instruction)| instruction)
    }

    /// Takes note that a jump goes to `address`.
    pub fn note_target(&self, address: u64) {
        if !address.is_multiple_of(4) && self.whole_words {
            self.met_halves.set(true);
        }
    }

    /// Whether the premise that all instructions are whole words was seen to be wrong.
    pub fn met_halves(&self) -> bool {
        self.met_halves.get()
    }

    /// The instructions from `address` on, one after the other.
    pub fn instructions_from(&self, address: u64) -> Cursor<'a> {
        let (whole_words, met_halves) = (self.whole_words, Some(self.met_halves));
        let nowhere = Cursor { at: address, slot: usize::MAX, rest: &[], whole_words, met_halves };
        let found = self.text_at(address).and_then(|text| {
            let offset = (address - text.range.start().0) as usize;
            Some(Cursor { slot: text.first_slot + offset / 2, rest: text.bytes.get(offset..)?, ..nowhere })
        });
        found.unwrap_or(nowhere)
    }

    /// Whether instructions at `address` could be executed although by the section headers no code lies there. A null pointer
    /// leads nowhere, even where a static-PIE's header lies: it stays null wherever the program is loaded.
    pub fn is_hidden_code(&self, address: u64) -> bool {
        address != 0 && self.other_executable.iter().any(|range| range.contains(Address(address)))
    }

    /// Whether `address`, which is even, lies in code.
    pub fn holds(&self, address: u64) -> bool {
        address.is_multiple_of(2) && self.texts.iter().any(|text| text.range.contains(Address(address)))
    }

    /// Whether an instruction may start at `address`.
    pub fn contains(&self, address: u64) -> bool {
        self.text_at(address).is_some()
    }

    fn text_at(&self, address: u64) -> Option<&Text<'a>> {
        let text = self.texts.iter().find(|text| address < text.range.end().0)?;
        let unit = if self.whole_words { 4 } else { 2 };
        (address.is_multiple_of(unit) && address >= text.range.start().0).then_some(text)
    }

    /// Whether there are constants of which it matters who refers to them. In Go's one section of them all count.
    pub fn has_constants(&self) -> bool {
        !self.constants.is_empty()
    }

    /// Whether `address` may be part of computing the address of a constant.
    pub fn is_near_constants(&self, address: u64) -> bool {
        self.constants.iter().any(|range| range.contains(Address(address)))
    }

    /// Whether the file says what is at `address`, its own headers left out.
    pub fn is_mapped(&self, address: u64) -> bool {
        let headers = 64 + 56 * u64::from(self.elf.program_header_count);
        let segment = self.elf.segment_at(Address(address));
        segment.is_some_and(|segment| segment.file_offset + (address - segment.range.start().0) >= headers)
    }

    /// Whether the program may write to `address`.
    pub fn is_writable(&self, address: u64) -> bool {
        self.writable.iter().any(|range| range.contains(Address(address)))
    }

    /// Numbers the halfwords of all code. Ranges of code share no group of [`Code::SLOT_GROUP`] numbers, and the number of an address
    /// leaves the same remainder in it as half the address.
    pub fn slot(&self, address: u64) -> Option<usize> {
        let text = self.text_at(address)?;
        Some(text.first_slot + ((address - text.range.start().0) / 2) as usize)
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.texts.last().map_or(0, |text| text.first_slot + text.bytes.len().div_ceil(2))
    }

    /// Where instructions may lie, ascending.
    pub fn executable(&self) -> impl Iterator<Item = AddressRange> {
        self.texts.iter().map(|text| text.range)
    }

    /// What the load `op` reads at `address` in every run, if nothing can have changed it.
    pub fn constant_load(&self, op: Op, address: u64) -> Option<u64> {
        let segment = self.elf.segment_at(Address(address))?;
        let frozen = self.frozen.iter().any(|range| range.contains(Address(address)));
        if segment.permissions.write && !frozen
            || self.indirect.range((address, 0)..=(address, u64::MAX)).next().is_some()
        {
            return None;
        }
        self.initial_load(op, address)
    }

    /// What the load `op` reads at `address` before anything was stored there.
    pub fn initial_load(&self, op: Op, address: u64) -> Option<u64> {
        if op == Op::Ld
            && let Ok(index) = self.relocated.binary_search_by_key(&address, |&(target, _)| target)
        {
            return Some(self.relocated[index].1);
        }
        let segment = self.elf.segment_at(Address(address))?;
        let mut word = [0; 8];
        let size = load_size(op)?;
        if !segment.range.covers(AddressRange::new(Address(address), ByteCount(size))?) {
            return None;
        }
        if let Some(bytes) = self.elf.bytes_from(Address(address)) {
            let size = (size as usize).min(bytes.len());
            word[..size].copy_from_slice(&bytes[..size]);
        }
        Some(extend(op, u64::from_le_bytes(word)))
    }

    /// Addresses where functions plausibly start, ascending: the entry, function symbols, what the GOT points at, and targets of
    /// calls met when all code is decoded from front to back. In Go's code its function table says all starts.
    pub fn function_starts(&self) -> Vec<u64> {
        let mut starts = vec![self.elf.entry.0];
        let functions = self.elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function);
        starts.extend(functions.map(|symbol| symbol.address.0));
        let words = self.frozen.iter().flat_map(|range| (range.start().0..range.end().0).step_by(8)).take(self.slots());
        starts.extend(words.filter_map(|word| self.constant_load(Op::Ld, word)).filter(|&target| target & 1 == 0));
        let go = self.go.table();
        for range in self.executable() {
            if go.is_none_or(|table| !range.contains(Address(table.starts()[0]))) {
                called(self.instructions_from(range.start().0), &mut starts);
            }
        }
        if let Some(table) = go {
            starts.retain(|start| !(table.starts()[0]..table.end()).contains(start));
            starts.extend(table.starts());
            starts.push(table.end());
        }
        starts.retain(|&start| self.contains(start));
        starts.sort_unstable();
        starts.dedup();
        // Most are called more than once.
        starts.shrink_to_fit();
        starts
    }

    /// Whether what starts at `start` is a routine that returns through t0 and leaves t0 alone on the way: out-of-line
    /// prologues (psABI, "Alternate link register"; libgcc's `save-restore.S`), which save registers for their caller.
    pub fn keeps_alternate_link(&self, start: u64) -> bool {
        /// Longer ones are ordinary functions; in instructions.
        const LONGEST: usize = 64;
        for (_, instruction) in self.instructions_from(start).take(LONGEST) {
            let effects = instruction.effects();
            match effects.flow {
                ControlFlow::IndirectJump => {
                    let to = (instruction.rd(), instruction.rs1(), instruction.immediate);
                    return to == (Register::ZERO, Register::T0, 0);
                }
                ControlFlow::Next | ControlFlow::Branch(_) | ControlFlow::Jump(_) => {}
                ControlFlow::EnvironmentCall | ControlFlow::Trap => return false,
            }
            if effects.uses.union(effects.defines).contains(Register::T0) {
                return false;
            }
        }
        false
    }

    /// The addresses in code at which the bytes of an `ecall` lie, ascending; not all of them need be instructions.
    pub fn ecall_bytes(&self) -> impl Iterator<Item = u64> {
        const ECALL: [u8; 4] = 0x0000_0073_u32.to_le_bytes();
        self.texts.iter().flat_map(|text| {
            let start = text.range.start().0;
            let offsets =
                memchr::memmem::find_iter(text.bytes, &ECALL).filter(move |offset| (start + *offset as u64) & 1 == 0);
            offsets.map(move |offset| start + offset as u64)
        })
    }

    /// Decodes from `start` to the `ecall` at `site`: whether it is an instruction then, and its number if that is a
    /// constant set right before.
    pub fn decoded_site(&self, start: u64, site: u64) -> Option<Option<u64>> {
        let mut cursor = self.instructions_from(start);
        let mut number = None;
        loop {
            let (at, instruction) = cursor.resynchronised()?;
            if at >= site {
                return (at == site).then_some(number);
            }
            if instruction.flow() != ControlFlow::Next {
                number = None;
            } else if instruction.rd() == Register::A7 && instruction.writes_integer_register() {
                let constant = instruction.op == Op::Addi && instruction.rs1() == Register::ZERO;
                number = constant.then_some(i64::from(instruction.immediate) as u64);
            }
        }
    }
}

/// Notes the targets of all calls from the cursor on.
fn called(mut cursor: Cursor<'_>, starts: &mut Vec<u64>) {
    // The last `auipc` and where it stood: `auipc+jalr` is the far call.
    let mut upper: Option<(Register, u64)> = None;
    while let Some((at, instruction)) = cursor.resynchronised() {
        let target = |base: u64| base.wrapping_add_signed(instruction.immediate.into());
        let far = upper.take();
        match instruction.op {
            Op::Jal if instruction.rd() == Register::RA => starts.push(target(at)),
            Op::Jalr if instruction.rd() == Register::RA => {
                let far = far.filter(|&(register, _)| register == instruction.rs1());
                starts.extend(far.map(|(_, high)| target(high)));
            }
            Op::Auipc => upper = Some((instruction.rd(), target(at))),
            _ => {}
        }
    }
}

/// By what the places where code may lie are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum CodeBy {
    /// Executable sections, if there are any: data between them is not taken for code.
    Sections,
    /// Executable segments: all that the machine would execute.
    Segments,
}

fn executable_segments(elf: &AppElf) -> impl Iterator<Item = AddressRange> {
    let executable = elf.segments.iter().filter(|segment| segment.permissions.execute);
    executable.filter_map(|segment| AddressRange::new(segment.range.start(), segment.file_size))
}

/// What executable segments hold besides `texts`.
fn other_executable(elf: &AppElf, texts: &[Text<'_>]) -> Vec<AddressRange> {
    let mut others = Vec::new();
    for segment in executable_segments(elf) {
        let mut start = segment.start();
        for text in texts.iter().filter(|text| segment.contains(text.range.start())) {
            others.extend(AddressRange::between(start, text.range.start()));
            start = text.range.end().max(start);
        }
        others.extend(AddressRange::between(start, segment.end()));
    }
    others
}

/// The executable sections, or without sections the executable segments: disjoint and ascending, as far as the file
/// has bytes for them.
fn texts(elf: &AppElf, by: CodeBy) -> Vec<Text<'_>> {
    let mut ranges: Vec<AddressRange> =
        elf.sections.iter().filter(|section| section.executable).map(|section| section.range).collect();
    if ranges.is_empty() || by == CodeBy::Segments {
        ranges = executable_segments(elf).collect();
    }
    ranges.sort_by_key(|range| range.start());
    let mut texts: Vec<Text<'_>> = Vec::new();
    for range in ranges {
        let (end, slots) =
            texts.last().map_or((0, 0), |last| (last.range.end().0, last.first_slot + last.bytes.len().div_ceil(2)));
        let start = range.start().0.max(end);
        let group = Code::SLOT_GROUP;
        let first_slot = slots.next_multiple_of(group) + (start.div_ceil(2) % group as u64) as usize;
        let Some(bytes) = elf.bytes_from(Address(start)) else { continue };
        let size = range.end().0.saturating_sub(start).min(bytes.len() as u64);
        let Some(bytes) = bytes.get(..size as usize).filter(|bytes| !bytes.is_empty()) else { continue };
        let Some(range) = AddressRange::new(Address(start), ByteCount(size)) else { continue };
        texts.push(Text { range, bytes, first_slot });
    }
    texts
}

/// Size in bytes of what an integer load reads.
pub(super) fn load_size(op: Op) -> Option<u64> {
    match op {
        Op::Lb | Op::Lbu => Some(1),
        Op::Lh | Op::Lhu => Some(2),
        Op::Lw | Op::Lwu => Some(4),
        Op::Ld => Some(8),
        _ => None,
    }
}

/// Size in bytes of what an integer store writes.
pub(super) fn store_size(op: Op) -> Option<u64> {
    match op {
        Op::Sb => Some(1),
        Op::Sh => Some(2),
        Op::Sw => Some(4),
        Op::Sd => Some(8),
        _ => None,
    }
}

/// The register value that the load `op` makes of `bits`, of which only its size counts.
pub(super) fn extend(op: Op, bits: u64) -> u64 {
    match op {
        Op::Lb => i64::from(bits as i8) as u64,
        Op::Lh => i64::from(bits as i16) as u64,
        Op::Lw => i64::from(bits as i32) as u64,
        Op::Lbu => bits & 0xff,
        Op::Lhu => bits & 0xffff,
        Op::Lwu => bits & 0xffff_ffff,
        _ => bits,
    }
}

/// `R_RISCV_IRELATIVE` relocations (psABI, "Relocations"), which a static program's start-up code applies itself, by the
/// word they fill; the addend is the resolver.
fn indirect_relocations(elf: &AppElf) -> BTreeSet<(u64, u64)> {
    const IRELATIVE: u64 = 58;
    let tables = elf.sections.iter().filter(|section| section.name.starts_with(".rela"));
    let bytes = tables.filter_map(|section| {
        let size = usize::try_from(section.range.size().0).ok()?;
        elf.bytes_from(section.range.start())?.get(..size)
    });
    // Without sections start-up code still knows where the table is: in memory that nobody writes. What looks like a
    // relocation and is none only names one more function.
    let constant = elf.segments.iter().filter(|segment| elf.sections.is_empty() && !segment.permissions.write);
    let constant = constant.flat_map(|segment| {
        let lead = (segment.range.start().0.wrapping_neg() & 7) as usize;
        elf.segment_bytes(segment).get(lead..).unwrap_or_default().windows(24).step_by(8)
    });
    let is_code = |address| {
        elf.segment_at(Address(address)).is_some_and(|segment| segment.permissions.execute) && address & 1 == 0
    };
    let is_variable = |address| elf.segment_at(Address(address)).is_some_and(|segment| segment.permissions.write);
    let word = |entry: &[u8], at: usize| entry.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let entries = bytes.flat_map(|bytes| bytes.chunks_exact(24)).chain(constant);
    let indirect = entries.filter(|entry| word(entry, 8).is_some_and(|info| info & 0xffff_ffff == IRELATIVE));
    let indirect = indirect.filter_map(|entry| Some((word(entry, 0)?, word(entry, 16)?)));
    indirect.filter(|&(slot, resolver)| is_variable(slot) && is_code(resolver)).collect()
}

/// `p_vaddr` and `p_memsz` of the program headers of type `kind` (ELF-64 object file format, "Program Header").
pub(super) fn program_headers(elf: &AppElf, kind: u32) -> Vec<(Address, u64)> {
    let bytes = elf.file_bytes();
    let word = |at: u64| {
        let rest = bytes.get(usize::try_from(at).ok()?..)?;
        Some(u64::from_le_bytes(*rest.first_chunk::<8>()?))
    };
    let Some(table) = word(32) else { return Vec::new() };
    (0..u64::from(elf.program_header_count))
        .filter_map(|index| {
            let at = table.checked_add(index * 56)?;
            let end = at.checked_add(56)?;
            (end <= bytes.len() as u64 && word(at)? as u32 == kind).then_some(())?;
            Some((Address(word(at + 16)?), word(at + 40)?))
        })
        .collect()
}
