//! Space in the program's text that nobody executes or reads: code of functions that nothing reaches, and what fills the space
//! between functions. There is room for jumps on the way to stubs that are too far away (islands), and for whole stubs.
//!
//! It counts as such by the analysis, and only where section headers say that it is code: instructions, or zeros, from one piece
//! of reached code (and what it stops at) up to the next, where no code computes an address or reads, nor anything is relocated,
//! and into which nothing in data points, be it a number of 4 bytes that lies anywhere. A table among the code is found by an
//! address in it; then all up to the next reached code is left alone.

use std::collections::BTreeMap;

use super::Placement;
use super::entries::{Circumstances, DirectEntry, EntryMode, TrapReason};
use super::jumps::{ISLAND, Jump, NEAR, displacement};
use super::stub_rooms::StubRooms;
use crate::address::{Address, AddressRange};
use crate::analysis::{CodeListing, Site};
use crate::elf::{AppElf, ElfKind, Segment};
use crate::isa::{decode, split_displacement};

/// What there is in `app`, but for `taken` of the file, at the image's addresses as `placement` has them.
pub(super) fn find(
    app: &AppElf,
    placement: &Placement,
    listing: &CodeListing,
    taken: &[AddressRange],
) -> Vec<AddressRange> {
    if listing.lost.is_some() {
        return Vec::new();
    }
    let used = AddressRange::joined([&listing.code, &listing.stops, taken].concat());
    let pointed_at = pointed_at(app, listing);
    let mut free = Vec::new();
    for section in app.sections.iter().filter(|section| section.executable) {
        let mut start = section.range.start();
        let first = used.partition_point(|range| range.end() <= start);
        let inside = used.iter().skip(first).take_while(|range| range.start() < section.range.end());
        let ends = AddressRange::between(section.range.end(), section.range.end());
        for next in inside.copied().chain(ends) {
            let gap = AddressRange::between(start, next.start()).filter(|gap| gap.size().0 >= ISLAND);
            free.extend(gap.and_then(|gap| nobodys(app, listing, &pointed_at, gap)));
            start = next.end();
        }
    }
    let placed = |address| placement.placed(address);
    free.into_iter().filter_map(|range| AddressRange::between(placed(range.start()), placed(range.end()))).collect()
}

/// How far a displacement reaches, bytes (ISA manual, "Load and Store Instructions").
const DISPLACEMENT: u64 = 1 << 11;
/// Of jumps on machines without compressed instructions, bytes.
const ALIGNMENT: u64 = 4;

/// The part of `gap`, between reached code, that nobody executes or reads. What an address inside leads to may begin as far below it
/// as a displacement reaches, and end with the gap.
fn nobodys(app: &AppElf, listing: &CodeListing, pointed_at: &[Address], gap: AddressRange) -> Option<AddressRange> {
    let first = |addresses: &[Address]| {
        let first = addresses.partition_point(|&address| address < gap.start());
        addresses.get(first).copied().filter(|&address| address < gap.end())
    };
    let lowest = [&listing.referenced, &listing.pointed_at, pointed_at].into_iter().filter_map(first).min();
    let (mut start, mut end) = (gap.start(), gap.end());
    if let Some(lowest) = lowest {
        end = Address(lowest.0.saturating_sub(DISPLACEMENT));
    }
    let next = listing.read.partition_point(|read| read.end() <= start);
    for read in listing.read.iter().skip(next).take_while(|read| read.start() < gap.end()) {
        if read.start() > start {
            end = end.min(read.start());
            break;
        }
        start = start.max(read.end());
    }
    let part = AddressRange::between(start.align_up(ALIGNMENT)?, end)?;
    let is_data = app.sections.iter().any(|section| !section.executable && section.range.overlaps(part));
    let is_relocated =
        app.relocations.iter().any(|one| part.contains(one.target) || part.contains(one.target.offset(7)));
    (part.size().0 >= ISLAND && !is_data && !is_relocated && is_code(app, part)).then_some(part)
}

/// All that could be the address of something in a section with code, in 4 bytes, or the lower half of 8, that lie anywhere and are
/// not executed; ascending. What can be moved has relocations for addresses, and offsets in tables next to the code that they
/// lead to.
fn pointed_at(app: &AppElf, listing: &CodeListing) -> Vec<Address> {
    let mut found = Vec::new();
    for segment in app.segments.iter().filter(|_| app.kind == ElfKind::Executable) {
        for (offset, word) in app.segment_bytes(segment).windows(4).enumerate() {
            let address = Address(word.first_chunk().map_or(0, |word| u32::from_le_bytes(*word)).into());
            let is_code = || app.sections.iter().any(|section| section.executable && section.range.contains(address));
            if is_code() && !listing.executes(segment.range.start().offset(offset as i64)) {
                found.push(address);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether all of `gap` is instructions one after another, or zeros.
fn is_code(app: &AppElf, gap: AddressRange) -> bool {
    let holds = |segment: &&Segment| {
        // Stubs may hold addresses that they load.
        segment.permissions.execute && segment.permissions.read && segment.range.covers(gap)
    };
    let Some(segment) = app.segments.iter().find(holds) else { return false };
    let offset = (gap.start() - segment.range.start()).0 as usize;
    let Some(bytes) = app.segment_bytes(segment).get(offset..offset + gap.size().0 as usize) else { return false };
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        at += match decode(rest) {
            Some(instruction) => usize::from(instruction.length),
            None if rest.starts_with(&[0, 0]) => 2,
            None => return false,
        };
    }
    true
}

impl Circumstances<'_> {
    /// Ways by unused text for those of `entries` that found no other in far text: over an island, which takes least, or to a stub
    /// that lies there itself. `find` is asked for the space, if there are any and it is not known already.
    pub fn choose_in_unused_text(
        &self,
        entries: &mut BTreeMap<Address, EntryMode>,
        find: impl FnOnce() -> Vec<AddressRange>,
        rooms: &mut StubRooms,
    ) {
        let is_far = |entry: &EntryMode| matches!(entry, EntryMode::Trap(reason) if reason.is_far());
        if !entries.values().any(is_far) {
            return;
        }
        rooms.open_text(find);
        for site in &self.analysis.sites {
            if let Some(entry) = entries.get_mut(&site.address).filter(|entry| is_far(entry))
                && let Some(way) = self.over_island(site, rooms).map(Ok).or_else(|| self.in_text(site, rooms))
            {
                *entry = way.map_or_else(EntryMode::Trap, EntryMode::Direct);
            }
        }
    }

    /// A way over an island to a stub for `site`, if a register is free for it and one is near.
    fn over_island(&self, site: &Site, rooms: &mut StubRooms) -> Option<DirectEntry> {
        let call = self.call(site).ok()?;
        let temporary = call.dead().next()?;
        let island = self.near_in_text(site, ISLAND, rooms)?.start();
        let stub = rooms.take(call.size, |stub| split_displacement(displacement(island, stub)).is_some())?;
        Some(DirectEntry {
            jump: Jump::Island { temporary, island },
            stub,
            callee: call.callee,
            live: site.live_after,
            // The temporary holds what the island needs, not where the call was made.
            link: None,
            scratch: self.in_memory.then_some(temporary),
            check: call.check,
        })
    }

    /// A stub in unused text for `site`, if there is room near, or what it lacks beside that.
    fn in_text(&self, site: &Site, rooms: &mut StubRooms) -> Option<Result<DirectEntry, TrapReason>> {
        let call = self.call(site).ok()?;
        let stub = self.near_in_text(site, call.size, rooms)?;
        Some(self.near(site, &call, stub))
    }

    fn near_in_text(&self, site: &Site, size: u64, rooms: &mut StubRooms) -> Option<AddressRange> {
        let placed = self.placement.placed(site.address);
        rooms.take_text(size, |start| displacement(placed, start).abs() < NEAR)
    }
}
