//! Code addresses that lie in the program's data: function pointers, labels and the elements of jump tables.

use std::collections::BTreeSet;

use super::code::Code;
use crate::address::{Address, AddressRange};

/// A word in data that is, or looks like, a code address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Pointer {
    /// The code address.
    pub target: u64,
    /// Where the word lies.
    pub holder: Address,
}

/// Every code address in data, by target. In a static-PIE these are exactly the addends of the base relocations;
/// in an `ET_EXEC` every aligned word that is an even address inside code counts. The GOT is left out: code that uses
/// an entry loads it from a constant address, which is seen there.
pub(super) fn data_pointers(code: &Code<'_>) -> Vec<Pointer> {
    let elf = code.elf;
    let skipped: Vec<AddressRange> = elf
        .sections
        .iter()
        .filter(|section| {
            section.executable || section.name.starts_with(".got") || section.name.starts_with(".eh_frame")
        })
        .map(|section| section.range)
        .collect();
    let in_skipped = |address: Address| skipped.iter().any(|range| range.contains(address));
    let mut pointers: BTreeSet<Pointer> = elf
        .relocations
        .iter()
        .filter(|relocation| code.contains(relocation.addend.0) && !in_skipped(relocation.target))
        .map(|relocation| Pointer { target: relocation.addend.0, holder: relocation.target })
        .collect();
    if elf.kind == crate::elf::ElfKind::Executable {
        for segment in &elf.segments {
            let lead = (segment.range.start().0.wrapping_neg() & 7) as usize;
            let bytes = elf.segment_bytes(segment).get(lead..).unwrap_or_default();
            for (index, word) in bytes.chunks_exact(8).enumerate() {
                let target =
                    u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
                if code.contains(target) {
                    let holder = segment.range.start().offset((lead + index * 8) as i64);
                    if !in_skipped(holder) {
                        pointers.insert(Pointer { target, holder });
                    }
                }
            }
        }
    }
    pointers.into_iter().collect()
}
