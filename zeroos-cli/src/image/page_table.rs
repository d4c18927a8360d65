//! Writes the page table (privileged ISA manual, "Sv39", figure "Sv39 page table entry"): every page allows what the image's
//! pieces there ask for, and pages without one show nothing.

use std::collections::BTreeMap;

use super::layout::{Origin, Piece};
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::Permissions;
use crate::plan::{CHUNK, Placement};
use crate::platform::{GIGAPAGE, Window};

const VALID: u64 = 1 << 0;
const READ: u64 = 1 << 1;
const WRITE: u64 = 1 << 2;
const EXECUTE: u64 = 1 << 3;
/// Set from the start: a hart that does not set them itself raises a page fault at the first access.
const ACCESSED: u64 = 1 << 6;
const DIRTY: u64 = 1 << 7;
/// Free for software: something is mapped, as `protected_memory.rs` has it.
const MAPPED: u64 = 1 << 8;
const ENTRIES: usize = 512;
const PAGE: u64 = 4096;

/// The flags of 512 pages.
type Flags = [u64; ENTRIES];

/// The page table of `placement`, as pieces; nothing without one. `stack` is what the stack allows.
pub(super) fn pieces(placement: &Placement, pieces: &[Piece], stack: Permissions) -> Vec<Piece> {
    let Some(table) = &placement.page_table else { return Vec::new() };
    let mut chunks: BTreeMap<u64, Box<Flags>> = BTreeMap::new();
    let mut allow = |range: AddressRange, permissions: Permissions| {
        for page in range.start().0 / PAGE..range.end().0.div_ceil(PAGE) {
            let (chunk, place) = (page * PAGE / CHUNK, page as usize % ENTRIES);
            chunks.entry(chunk).or_insert_with(|| Box::new([0; ENTRIES]))[place] |= flags(permissions);
        }
    };
    for piece in pieces {
        allow(piece.range, piece.permissions);
    }
    for range in placement.always_writable() {
        allow(range, READ_WRITE);
    }
    allow(placement.stack, stack);

    let mut upper = vec![[0u64; ENTRIES]; 1 + table.gigapages.len()];
    let leaf_flags = flags(READ_WRITE) & !MAPPED;
    let devices = (0..table.devices.range.size().0).step_by(GIGAPAGE as usize);
    for offset in devices {
        let root_index = (table.devices.range.start().0 + offset) / GIGAPAGE;
        upper[0][root_index as usize % ENTRIES] = (table.devices.physical.0 + offset) >> 2 | leaf_flags;
    }
    let mut tables: BTreeMap<Address, Vec<u64>> = BTreeMap::new();
    for (index, Window { range, physical }) in table.gigapages.iter().enumerate() {
        upper[0][(range.start().0 / GIGAPAGE) as usize % ENTRIES] = table.directory(index).0 >> 2 | VALID;
        let first = range.start().0 / CHUNK;
        for (&chunk, pages) in chunks.range(first..range.end().0 / CHUNK) {
            let shown = physical.0 + (chunk - first) * CHUNK;
            let show = |page: usize| if pages[page] == 0 { 0 } else { (shown + page as u64 * PAGE) >> 2 | pages[page] };
            upper[1 + index][(chunk - first) as usize] = if pages.iter().all(|&page| page == pages[0]) {
                show(0)
            } else {
                let at = table.table(index, chunk - first);
                tables.insert(at, (0..ENTRIES).map(show).collect());
                at.0 >> 2 | VALID
            };
        }
    }
    tables.insert(table.at.start(), upper.concat());

    let mut found: Vec<Piece> = Vec::new();
    for (at, entries) in tables {
        let bytes = entries.iter().flat_map(|entry| entry.to_le_bytes());
        match found.last_mut().filter(|last| last.range.end() == at) {
            Some(last) => last.bytes.extend(bytes),
            None => found.push(Piece {
                name: format!(".page_table.{}", found.len()),
                origin: Origin::Builder,
                range: AddressRange::default(),
                bytes: bytes.collect(),
                permissions: READ_WRITE,
            }),
        }
        if let Some(last) = found.last_mut() {
            let start = if last.range.is_empty() { at } else { last.range.start() };
            last.range = AddressRange::new(start, ByteCount(last.bytes.len() as u64)).unwrap_or_default();
        }
    }
    found
}

const READ_WRITE: Permissions = Permissions { read: true, write: true, execute: false };

/// What can be written can be read: the architecture has nothing else.
fn flags(permissions: Permissions) -> u64 {
    let Permissions { read, write, execute } = permissions;
    let mut flags = MAPPED | ACCESSED | DIRTY;
    for (set, bits) in [(read, VALID | READ), (write, VALID | READ | WRITE), (execute, VALID | EXECUTE)] {
        flags |= if set { bits } else { 0 };
    }
    flags
}
