//! The source line of an instruction, if the program has debugging information (DWARF).

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, Error, LittleEndian, SectionId};
use object::{Object, ObjectSection};

use crate::address::Address;

/// `file:line` of the instruction at the link-time address `address` of the ELF `program`.
pub(super) fn source_line(program: &[u8], address: Address) -> Option<String> {
    let file = object::File::parse(program).ok()?;
    // A section that is compressed or not there is one without entries.
    let section = |id: SectionId| -> Result<EndianSlice<'_, LittleEndian>, Error> {
        let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
        Ok(EndianSlice::new(data.unwrap_or_default(), LittleEndian))
    };
    let context = Context::from_dwarf(Dwarf::load(section).ok()?).ok()?;
    let location = context.find_location(address.0).ok()??;
    Some(format!("{}:{}", location.file?, location.line?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_debugging_information_has_no_lines() {
        assert_eq!(source_line(b"no ELF", Address(0)), None);
        let stripped = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hello-minimal-c/bin/gc-exec"));
        assert_eq!(source_line(&stripped.unwrap(), Address(0x10100)), None);
    }
}
