//! [`AppElf`]: an accepted program. Holding one proves: ELF64 little-endian RISC-V, statically linked, load segments
//! sorted and disjoint and inside the file, an entry inside an executable segment.

use super::ElfError;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::address::{Address, AddressRange, ByteCount};

/// A statically linked RISC-V Linux program, as its file says. Addresses are the file's own (link-time) addresses.
#[derive(Clone, Debug)]
pub struct AppElf {
    pub(super) bytes: Vec<u8>,
    pub(super) sha256: OnceLock<[u8; 32]>,
    /// `ET_EXEC` or static-PIE.
    pub kind: ElfKind,
    /// The first instruction.
    pub entry: Address,
    /// What the file header and the RISC-V attributes say of the ISA.
    pub isa: Isa,
    /// `PT_LOAD` segments in ascending, non-overlapping order.
    pub segments: Vec<Segment>,
    /// Where the program headers lie in memory, if a segment holds them (AT_PHDR).
    pub program_headers: Option<Address>,
    /// Number of program headers (AT_PHNUM); each is 56 bytes (AT_PHENT).
    pub program_header_count: u16,
    /// The largest alignment that a load segment asks for (`p_align`), bytes, a power of two: a moved program keeps it.
    pub alignment: u64,
    /// Whether the stack is to be executable (`PT_GNU_STACK` with `PF_X`).
    pub executable_stack: bool,
    /// The thread-local storage template.
    pub tls: Option<Tls>,
    /// Function, object and untyped symbols with a name and an address, by address; empty in a stripped file.
    /// Hints only.
    pub symbols: Vec<Symbol>,
    /// Sections with an address, by address. Hints only.
    pub sections: Vec<Section>,
    /// Base-relative relocations (`R_RISCV_RELATIVE`) of a static-PIE, by target.
    pub relocations: Vec<Relocation>,
    /// Where its dynamic section says how many of them there are, if all can be applied before it starts; none otherwise.
    pub relocation_counts: Vec<Address>,
}

/// How the file is linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElfKind {
    /// `ET_EXEC`: runs at its own addresses only.
    Executable,
    /// `ET_DYN` without an interpreter: may be moved to any page-aligned base.
    StaticPie,
}

/// The ISA that the file claims (psABI `e_flags`; `.riscv.attributes` `Tag_RISCV_arch`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Isa {
    /// `EF_RISCV_RVC`: compressed instructions may occur.
    pub compressed: bool,
    /// The floating-point calling convention.
    pub float_abi: FloatAbi,
    /// The attribute string, for example `rv64i2p1_m2p0_a2p1_c2p0`.
    pub attribute: Option<String>,
}

/// `EF_RISCV_FLOAT_ABI_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatAbi {
    /// lp64
    Soft,
    /// lp64f
    Single,
    /// lp64d
    Double,
    /// lp64q
    Quad,
}

/// A `PT_LOAD` segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The memory it takes, file contents and zeroed rest.
    pub range: AddressRange,
    /// Where its contents start in the file, in bytes.
    pub file_offset: u64,
    /// How many bytes come from the file; the rest of `range` is zero.
    pub file_size: ByteCount,
    /// `p_flags`.
    pub permissions: Permissions,
}

/// Segment permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Permissions {
    /// `PF_R`
    pub read: bool,
    /// `PF_W`
    pub write: bool,
    /// `PF_X`
    pub execute: bool,
}

/// The `PT_TLS` segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tls {
    /// Template and zeroed rest.
    pub range: AddressRange,
    /// Initialised bytes at the start of `range`.
    pub file_size: ByteCount,
    /// Alignment in bytes.
    pub alignment: u64,
}

/// A symbol that names a place in memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Symbol {
    /// Its address.
    pub address: Address,
    /// `st_size`, 0 if unknown.
    pub size: ByteCount,
    /// Its type.
    pub kind: SymbolKind,
    /// Its name as the file has it (mangled).
    pub name: String,
}

/// `STT_*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SymbolKind {
    /// `STT_FUNC` (and `STT_GNU_IFUNC`)
    Function,
    /// `STT_OBJECT`
    Object,
    /// `STT_NOTYPE`: assembly labels.
    Label,
}

/// A section that takes memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// For example `.text`.
    pub name: String,
    /// Its addresses.
    pub range: AddressRange,
    /// `SHF_EXECINSTR`
    pub executable: bool,
}

/// `R_RISCV_RELATIVE`: the 8 bytes at `target` become `base + addend`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Relocation {
    /// The word that is relocated (link-time address).
    pub target: Address,
    /// The link-time address it points at.
    pub addend: Address,
}

impl AppElf {
    /// Reads and checks `bytes`.
    ///
    /// # Errors
    /// Anything that is not a static riscv64 Linux program, each with what was found and how to build one that fits.
    pub fn parse(bytes: Vec<u8>) -> Result<AppElf, ElfError> {
        super::accept::parse(bytes)
    }

    /// The whole file.
    pub fn file_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the whole file, calculated when it is asked for first.
    pub fn sha256(&self) -> &[u8; 32] {
        self.sha256.get_or_init(|| Sha256::digest(&self.bytes).into())
    }

    /// The bytes that the file gives for `segment` (shorter than its memory by the zeroed rest).
    pub fn segment_bytes(&self, segment: &Segment) -> &[u8] {
        let start = segment.file_offset as usize;
        &self.bytes[start..start + segment.file_size.0 as usize]
    }

    /// The segment that holds `address`.
    pub fn segment_at(&self, address: Address) -> Option<&Segment> {
        let index = self.segments.partition_point(|segment| segment.range.end() <= address);
        self.segments.get(index).filter(|segment| segment.range.contains(address))
    }

    /// File bytes from `address` to the end of its segment's file contents; `None` outside (zeroed rest included).
    pub fn bytes_from(&self, address: Address) -> Option<&[u8]> {
        let segment = self.segment_at(address)?;
        self.segment_bytes(segment).get((address - segment.range.start()).0 as usize..).filter(|rest| !rest.is_empty())
    }

    /// The little-endian 64-bit word at `address`, if the file gives all of it.
    pub fn word_at(&self, address: Address) -> Option<u64> {
        let bytes = self.bytes_from(address)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// Whether `address` lies in an executable segment's file contents.
    pub fn is_code(&self, address: Address) -> bool {
        self.segment_at(address).is_some_and(|segment| segment.permissions.execute)
            && self.bytes_from(address).is_some()
    }

    /// From the first byte of the first segment to behind the last byte of the last one.
    pub fn span(&self) -> AddressRange {
        let start = self.segments.first().map_or(Address(0), |segment| segment.range.start());
        let end = self.segments.last().map_or(start, |segment| segment.range.end());
        AddressRange::between(start, end).unwrap_or_default()
    }

    /// Whether it has no symbol table.
    pub fn is_stripped(&self) -> bool {
        self.symbols.is_empty()
    }

    /// The function symbol that holds `address`, or the nearest one below it in the same segment.
    pub fn symbol_near(&self, address: Address) -> Option<&Symbol> {
        let segment = self.segment_at(address)?;
        let end = self.symbols.partition_point(|symbol| symbol.address <= address);
        self.symbols[..end]
            .iter()
            .rev()
            .take_while(|symbol| symbol.address >= segment.range.start())
            .find(|symbol| symbol.kind != SymbolKind::Object)
    }
}
