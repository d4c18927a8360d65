//! The linked kernel, read back: its segments and symbols.

use serde::{Deserialize, Serialize};

use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol};

use super::ImageError;
use super::layout::{Origin, Piece};
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{Permissions, Symbol, SymbolKind};
use crate::plan::KernelRoom;

/// The kernel as the linker left it.
pub(super) struct LinkedKernel {
    /// Its load segments.
    pub pieces: Vec<Piece>,
    /// The bootloader.
    pub entry: Address,
    /// Its symbols.
    pub symbols: Vec<Symbol>,
    /// Sizes without the stack; no stubs yet.
    pub parts: KernelParts,
}

/// What of the kernel there is in an image, without its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelParts {
    /// Code, in bytes.
    pub code_bytes: u64,
    /// Constants, in bytes.
    pub constant_bytes: u64,
    /// Data, also what is zero at first, in bytes.
    pub data_bytes: u64,
    /// Stubs, in bytes.
    pub stub_bytes: u64,
}

impl KernelParts {
    /// All of it, in bytes.
    pub fn total(self) -> u64 {
        self.code_bytes + self.constant_bytes + self.data_bytes + self.stub_bytes
    }
}

impl LinkedKernel {
    /// The address of `name`.
    pub fn symbol(&self, name: &str) -> Option<Address> {
        self.symbols.iter().find(|symbol| symbol.name == name).map(|symbol| symbol.address)
    }

    /// The bytes from `address` to the end of its segment.
    pub fn bytes_at(&self, address: Address) -> Option<&[u8]> {
        let piece = self.pieces.iter().find(|piece| piece.range.contains(address))?;
        piece.bytes.get((address - piece.range.start()).0 as usize..)
    }

    /// The linked kernel's segments and symbols, all of which must lie in `room`.
    ///
    /// # Errors
    /// No ELF, or one with something outside.
    pub fn read(kernel: &[u8], room: KernelRoom) -> Result<LinkedKernel, ImageError> {
        let unusable = |what: String| ImageError::Kernel { what };
        let file = object::File::parse(kernel).map_err(|error| unusable(error.to_string()))?;
        let mut pieces = Vec::new();
        for (index, segment) in file.segments().enumerate() {
            let range = AddressRange::new(Address(segment.address()), ByteCount(segment.size()))
                .filter(|range| room.ranges().any(|room| room.covers(*range)))
                .ok_or_else(|| unusable(format!("a segment at {:#x} lies outside its room", segment.address())))?;
            let flags = match segment.flags() {
                object::SegmentFlags::Elf { p_flags, .. } => p_flags,
                _ => return Err(unusable("it is no ELF".into())),
            };
            pieces.push(Piece {
                name: format!(".kernel.{index}"),
                origin: Origin::Kernel,
                range,
                bytes: segment.data().map_err(|error| unusable(error.to_string()))?.to_vec(),
                permissions: Permissions {
                    read: flags.contains(object::elf::PF_R),
                    write: flags.contains(object::elf::PF_W),
                    execute: flags.contains(object::elf::PF_X),
                },
            });
        }
        pieces.retain(|piece| !piece.range.is_empty());
        let symbols = file.symbols().filter(|symbol| !symbol.is_undefined()).filter_map(|symbol| {
            let kind = match symbol.kind() {
                object::SymbolKind::Text => SymbolKind::Function,
                object::SymbolKind::Data => SymbolKind::Object,
                _ => SymbolKind::Label,
            };
            let name = symbol
                .name()
                .ok()
                .filter(|name| !name.is_empty() && !name.starts_with('$') && !name.starts_with(".L"))?;
            let address = Address(symbol.address());
            room.ranges().any(|room| room.contains(address)).then(|| Symbol {
                address,
                size: ByteCount(symbol.size()),
                kind,
                name: name.into(),
            })
        });
        let mut symbols: Vec<Symbol> = symbols.collect();
        symbols.sort();
        let mut parts = KernelParts::default();
        for section in file.sections().filter(|section| section.name() != Ok(".stack")) {
            let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if sh_flags.contains(object::elf::SHF_ALLOC) {
                let part = if sh_flags.contains(object::elf::SHF_EXECINSTR) {
                    &mut parts.code_bytes
                } else if sh_flags.contains(object::elf::SHF_WRITE) {
                    &mut parts.data_bytes
                } else {
                    &mut parts.constant_bytes
                };
                *part += section.size();
            }
        }
        Ok(LinkedKernel { pieces, entry: Address(file.entry()), symbols, parts })
    }
}
