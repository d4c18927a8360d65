//! Writes the root page table: 512 entries of 8 bytes, each a gigapage or invalid (privileged ISA manual, "Sv39", figure
//! "Sv39 page table entry").

use crate::plan::{Mapping, PageTable};
use crate::platform::GIGAPAGE;

const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
/// Set from the start: a hart that does not set them itself raises a page fault at the first access.
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
const ENTRIES: usize = 512;

/// The table's bytes.
pub(super) fn root(table: &PageTable) -> Vec<u8> {
    let mut entries = [0u64; ENTRIES];
    for Mapping { window, executes } in &table.mappings {
        let first = window.range.start().0 / GIGAPAGE;
        for index in 0..window.range.size().0 / GIGAPAGE {
            // The page number, address bits 55–12, is in bits 53–10.
            let page_number = (window.physical.0 + index * GIGAPAGE) >> 2;
            let flags = VALID | READ | WRITE | ACCESSED | DIRTY | if *executes { EXECUTE } else { 0 };
            if let Some(entry) = entries.get_mut((first + index) as usize) {
                *entry = page_number | flags;
            }
        }
    }
    entries.iter().flat_map(|entry| entry.to_le_bytes()).collect()
}
