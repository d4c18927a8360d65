//! Where a machine's loader decodes all of an executable segment: words that are no instruction of the machine and that no
//! one executes or reads, which are replaced by one that it decodes.

use crate::address::{Address, AddressRange, ByteCount};
use crate::analysis::CodeListing;
use crate::elf::AppElf;
use crate::isa::decode;
use crate::plan::Obstacle;
use crate::platform::InstructionSet;

/// What is found: ranges to be replaced, in the file's addresses, ascending; or what keeps one from being replaced.
pub(super) fn find(app: &AppElf, listing: &CodeListing, isa: &InstructionSet) -> Result<Vec<AddressRange>, Obstacle> {
    let step = if isa.compressed { 2 } else { 4 };
    let mut found: Vec<AddressRange> = Vec::new();
    for segment in app.segments.iter().filter(|segment| segment.permissions.execute) {
        let bytes = app.segment_bytes(segment);
        let mut at = 0;
        while at < bytes.len() {
            let address = segment.range.start().offset(at as i64);
            let instruction = bytes.get(at..).and_then(decode);
            let width = instruction.map_or(step, |instruction| usize::from(instruction.length).max(step));
            // `c.unimp` is what compilers put where nothing goes on (ISA manual, "C": defined illegal instruction).
            let is_unimplemented = isa.compressed && bytes.get(at..).is_some_and(|rest| rest.starts_with(&[0, 0]));
            let takes = is_unimplemented || instruction.is_some_and(|one| one.is_csr_access() || isa.executes(&one));
            let word = AddressRange::new(address, ByteCount(width.min(bytes.len() - at) as u64)).unwrap_or_default();
            at += width;
            // What is reached is lowered, or in the way for itself.
            if takes || is_reached(listing, word) {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.end() == word.start() => {
                    *last = AddressRange::between(last.start(), word.end()).unwrap_or(*last);
                }
                _ => found.push(word),
            }
        }
    }
    match found.iter().find_map(|&range| Some((range, read_by(app, listing, range)?))) {
        None => Ok(found),
        Some((range, why)) => Err(Obstacle::new(
            format!("its code segment holds {range}, which is no code of the machine, and cannot be replaced: {why}"),
            "keep constants out of the code segment (GNU ld: `-Wl,-z,separate-code`; lld does so by itself)",
        )),
    }
}

fn is_reached(listing: &CodeListing, word: AddressRange) -> bool {
    let next = listing.code.partition_point(|range| range.end() <= word.start());
    listing.code.get(next).is_some_and(|range| range.overlaps(word))
}

/// Why somebody may read `range`, if so.
fn read_by(app: &AppElf, listing: &CodeListing, range: AddressRange) -> Option<String> {
    let data = app.sections.iter().find(|section| !section.executable && section.range.overlaps(range));
    if let Some(section) = data {
        return Some(format!("it is data ({})", section.name));
    }
    let inside = |addresses: &[Address]| {
        let first = addresses.partition_point(|&address| address < range.start());
        addresses.get(first).copied().filter(|&address| address < range.end())
    };
    if let Some(address) = inside(&listing.referenced) {
        return Some(format!("the program computes the address {address}"));
    }
    if let Some(address) = inside(&listing.pointed_at) {
        return Some(format!("the program's data hold the address {address}"));
    }
    if listing.reads(range) {
        return Some("the program may read it".to_owned());
    }
    listing.lost.clone()
}
