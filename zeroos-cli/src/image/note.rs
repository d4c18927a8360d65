//! The note that an image carries: how to run it and how to read its counts. A section of its own that is not loaded.

use std::collections::BTreeSet;

use object::{Object, ObjectSection};
use serde::{Deserialize, Serialize};

use super::{ImageError, KernelParts, Layout};
use crate::address::{Address, AddressRange};
use crate::plan::Plan;
use crate::platform::{Access, CostTable, Devices, Misaligned};

/// The section's name.
pub const NOTE_SECTION: &str = ".zeroos";
/// The format of the note.
const SCHEMA: &str = "zeroos.image/4";

/// What an engine must know of an image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageNote {
    /// `zeroos.image/4`
    pub schema: String,
    /// The platform it was built for.
    pub platform: String,
    /// The instruction set of its machine.
    pub isa: String,
    /// The CSRs that exist there, by number; `null` for all.
    pub csrs: Option<BTreeSet<u16>>,
    /// What a misaligned load or store does there.
    pub misaligned: Misaligned,
    /// What instructions cost there, if not all cost the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostTable>,
    /// Whether program and kernel run in supervisor mode, behind a page table that lies in the image: the addresses here are
    /// those that they see.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub supervisor: bool,
    /// Memory the machine must have.
    pub ram: Vec<Memory>,
    /// Whether nothing is both written and executed: memory is what the image's segments say, and data elsewhere.
    pub write_xor_execute: bool,
    /// The program's own segments, and what moved from them into stubs: instructions executed there are the program's, all others
    /// the kernel's.
    pub program: Vec<Span>,
    /// The sites that enter the kernel by a stub of their own, ascending.
    pub direct: Vec<DirectSite>,
    /// The devices that the kernel uses.
    pub devices: Devices,
    /// Addresses of `tohost` and `fromhost`, for HTIF.
    pub htif: Option<(Address, Address)>,
    /// The command that runs it elsewhere, with `{image}` and `{memory}` to fill in.
    pub runner: Vec<String>,
    /// How much kernel there is.
    pub kernel_parts: KernelParts,
    /// What can be copied out of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exports: Option<Exports>,
}

/// What can be copied out of a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exports {
    /// Absolute guest paths of files and directories.
    pub paths: Vec<String>,
    /// Where the table of what there is lies once the program has ended.
    pub table: Address,
}

/// A range of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// First address.
    pub start: Address,
    /// First address behind.
    pub end: Address,
    /// What may be done with it.
    pub access: Access,
}

impl Memory {
    /// Its addresses; none if it ends before it starts.
    pub fn range(self) -> AddressRange {
        Span { start: self.start, end: self.end }.range()
    }
}

/// An `ecall` that was replaced by a jump.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectSite {
    /// Where it was.
    pub site: Address,
    /// Where it jumps.
    pub stub: Address,
    /// The call it makes, if that is always the same; else a7 says it.
    pub number: Option<u64>,
}

/// A range of addresses, as the note writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// First address.
    pub start: Address,
    /// First address behind.
    pub end: Address,
}

impl Span {
    /// As a range; empty if it ends before it starts.
    pub fn range(self) -> AddressRange {
        AddressRange::between(self.start, self.end).unwrap_or_default()
    }
}

impl From<AddressRange> for Span {
    fn from(range: AddressRange) -> Span {
        Span { start: range.start(), end: range.end() }
    }
}

impl ImageNote {
    /// The note for `layout` of `plan`.
    pub(crate) fn new(plan: &Plan, layout: &Layout) -> ImageNote {
        let platform = &plan.platform;
        // Memory that is not the platform's own was added for the program, and is like any.
        let access = |range: AddressRange| {
            platform.memory.iter().find(|region| region.range.covers(range)).map_or(Access::Rwx, |region| region.access)
        };
        let moved = layout.stubs.iter().map(|stub| stub.moved()).filter(|range| !range.is_empty());
        let memory = |&range: &AddressRange| Memory { start: range.start(), end: range.end(), access: access(range) };
        ImageNote {
            schema: SCHEMA.into(),
            platform: platform.name.clone(),
            isa: platform.isa.to_string(),
            csrs: platform.csrs.clone(),
            misaligned: platform.misaligned,
            costs: platform.costs,
            supervisor: plan.placement.page_table.is_some(),
            ram: plan.placement.ram.iter().map(memory).collect(),
            write_xor_execute: platform.loader.write_xor_execute,
            program: layout.program_ranges().into_iter().chain(moved).map(Span::from).collect(),
            direct: layout.stubs.iter().map(|stub| stub.note()).collect(),
            devices: plan.platform.devices.seen(plan.placement.device_offset()),
            htif: layout.htif.filter(|_| plan.platform.devices.htif),
            runner: plan.platform.runner.clone(),
            kernel_parts: layout.kernel_parts,
            exports: layout.exported.map(|table| Exports { paths: plan.inputs.exports.clone(), table }),
        }
    }
}

/// The part that the note of every version has.
#[derive(Deserialize)]
struct Format {
    schema: String,
}

/// The note of the ELF `bytes`, or `None` if it has none: then it is no image.
///
/// # Errors
/// A note that this version cannot read.
pub fn read_note(bytes: &[u8]) -> Result<Option<ImageNote>, ImageError> {
    let Ok(file) = object::File::parse(bytes) else { return Ok(None) };
    let Some(section) = file.section_by_name(NOTE_SECTION) else { return Ok(None) };
    let data = section.data().unwrap_or_default();
    let unreadable = |error: serde_json::Error| ImageError::NotAnImage {
        what: format!("its {NOTE_SECTION} section cannot be read: {error}"),
    };
    // What another format has beside its name, this version does not know.
    let Format { schema } = serde_json::from_slice(data).map_err(unreadable)?;
    if schema != SCHEMA {
        let what = format!("the image has format `{schema}`; this version reads `{SCHEMA}`");
        return Err(ImageError::NotAnImage { what });
    }
    serde_json::from_slice(data).map(Some).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object as Writer, StandardSegment};
    use object::{Architecture, BinaryFormat, Endianness, SectionKind};

    fn elf_with(note: &str) -> Vec<u8> {
        let mut file = Writer::new(BinaryFormat::Elf, Architecture::Riscv64, Endianness::Little);
        let segment = file.segment_name(StandardSegment::Data).to_vec();
        let section = file.add_section(segment, NOTE_SECTION.into(), SectionKind::Note);
        file.append_section_data(section, note.as_bytes(), 1);
        file.write().unwrap()
    }

    #[test]
    fn an_image_of_another_format_is_told_by_its_format() {
        let refusal = |note: &str| read_note(&elf_with(note)).unwrap_err().to_string();
        let other = refusal(r#"{"schema": "zeroos.image/2", "ram": []}"#);
        assert!(other.contains("`zeroos.image/2`") && other.contains("reads `zeroos.image/4`"), "{other}");
        assert!(refusal(r#"{"schema": "zeroos.image/4", "ram": []}"#).contains("cannot be read: missing field"));
        assert!(refusal("{").contains("cannot be read"));
        assert_eq!(read_note(b"no ELF").unwrap(), None);
    }
}
