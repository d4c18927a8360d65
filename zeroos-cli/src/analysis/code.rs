//! The program's bytes as the analysis reads them: instructions where code may lie, constants where memory cannot
//! change, and a linear sweep that guesses where functions start. Guesses only cut the code into pieces; what is
//! reachable is never decided by them.

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{AppElf, SymbolKind};
use crate::isa::{self, ControlFlow, Instruction, Op, Register};

/// Code and constant data of one program.
pub(super) struct Code<'a> {
    pub elf: &'a AppElf,
    /// Where instructions may lie, ascending.
    executable: Vec<AddressRange>,
    /// Writable memory that the start-up code makes read-only before anything could change it: GOT and RELRO.
    frozen: Vec<AddressRange>,
    relocated: BTreeMap<u64, u64>,
    /// Words that start-up code fills with what an `ifunc` resolver returns (`R_RISCV_IRELATIVE`), with the resolver.
    pub indirect: BTreeMap<u64, u64>,
}

impl<'a> Code<'a> {
    /// A view of `elf`.
    pub fn new(elf: &'a AppElf) -> Code<'a> {
        let mut executable: Vec<AddressRange> =
            elf.sections.iter().filter(|section| section.executable).map(|section| section.range).collect();
        if executable.is_empty() {
            executable = elf
                .segments
                .iter()
                .filter(|segment| segment.permissions.execute)
                .filter_map(|segment| AddressRange::new(segment.range.start(), segment.file_size))
                .collect();
        }
        executable.sort_by_key(|range| range.start());
        let got = elf.sections.iter().filter(|section| section.name.starts_with(".got")).map(|section| section.range);
        // Without sections nothing tells which of these words are filled by resolvers, so none counts as constant.
        let frozen = if elf.sections.is_empty() { Vec::new() } else { got.chain(relro(elf)).collect() };
        let relocated = elf.relocations.iter().map(|each| (each.target.0, each.addend.0)).collect();
        Code { elf, executable, frozen, relocated, indirect: indirect_relocations(elf) }
    }

    /// The instruction at `address`, if it lies in code and is a known encoding.
    pub fn fetch(&self, address: u64) -> Option<Instruction> {
        if !self.contains(address) {
            return None;
        }
        isa::decode(self.elf.bytes_from(Address(address))?)
    }

    /// Whether an instruction may start at `address`.
    pub fn contains(&self, address: u64) -> bool {
        address & 1 == 0 && self.range_of(address).is_some()
    }

    fn range_of(&self, address: u64) -> Option<AddressRange> {
        let index = self.executable.partition_point(|range| range.end().0 <= address);
        self.executable.get(index).copied().filter(|range| range.contains(Address(address)))
    }

    /// Where instructions may lie, ascending.
    pub fn executable(&self) -> &[AddressRange] {
        &self.executable
    }

    /// What the load `op` reads at `address` in every run, if nothing can have changed it.
    pub fn constant_load(&self, op: Op, address: u64) -> Option<u64> {
        let segment = self.elf.segment_at(Address(address))?;
        let frozen = self.frozen.iter().any(|range| range.contains(Address(address)));
        if segment.permissions.write && !frozen || self.indirect.contains_key(&address) {
            return None;
        }
        self.initial_load(op, address)
    }

    /// What the load `op` reads at `address` before anything was stored there.
    pub fn initial_load(&self, op: Op, address: u64) -> Option<u64> {
        if op == Op::Ld
            && let Some(&addend) = self.relocated.get(&address)
        {
            return Some(addend);
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

    /// Addresses where functions plausibly start: the entry, function symbols, and targets of calls met when all code
    /// is decoded from front to back.
    pub fn function_starts(&self) -> BTreeSet<u64> {
        let mut starts = BTreeSet::from([self.elf.entry.0]);
        let functions = self.elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function);
        starts.extend(functions.map(|symbol| symbol.address.0));
        for range in &self.executable {
            self.sweep(*range, &mut starts);
        }
        starts.retain(|&start| self.contains(start));
        starts
    }

    fn sweep(&self, range: AddressRange, starts: &mut BTreeSet<u64>) {
        let mut address = range.start().0;
        // The last `auipc` and where it stood: `auipc+jalr` is the far call.
        let mut upper: Option<(Register, u64)> = None;
        while address < range.end().0 {
            let Some(instruction) = self.fetch(address) else {
                address += 2;
                upper = None;
                continue;
            };
            match instruction.effects().flow {
                ControlFlow::Jump(offset) if instruction.rd() == Register::RA => {
                    starts.insert(address.wrapping_add_signed(offset.into()));
                }
                ControlFlow::IndirectJump if instruction.rd() == Register::RA => {
                    if let Some((_, high)) = upper.filter(|&(register, _)| register == instruction.rs1()) {
                        starts.insert(high.wrapping_add_signed(instruction.immediate.into()));
                    }
                }
                _ => {}
            }
            upper = (instruction.op == Op::Auipc)
                .then(|| (instruction.rd(), address.wrapping_add_signed(instruction.immediate.into())));
            address += u64::from(instruction.length);
        }
    }
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
fn indirect_relocations(elf: &AppElf) -> BTreeMap<u64, u64> {
    const IRELATIVE: u64 = 58;
    let tables = elf.sections.iter().filter(|section| section.name.starts_with(".rela"));
    let bytes = tables.filter_map(|section| {
        let size = usize::try_from(section.range.size().0).ok()?;
        elf.bytes_from(section.range.start())?.get(..size)
    });
    let entries = bytes.flat_map(|bytes| bytes.chunks_exact(24));
    let word = |entry: &[u8], at: usize| entry.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let indirect = entries.filter(|entry| word(entry, 8).is_some_and(|info| info & 0xffff_ffff == IRELATIVE));
    indirect.filter_map(|entry| Some((word(entry, 0)?, word(entry, 16)?))).collect()
}

/// `PT_GNU_RELRO` ranges, read from the program headers of the file.
fn relro(elf: &AppElf) -> Vec<AddressRange> {
    program_headers(elf, 0x6474_e552)
        .into_iter()
        .filter_map(|(at, size)| AddressRange::new(at, ByteCount(size)))
        .collect()
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
