//! Where the segments of an image are loaded: where they are seen, or, behind a page table, where that shows them. The table is
//! walked as the hart does (privileged ISA manual, "Virtual Address Translation Process"), apart from who wrote it.

use object::elf::{PF_W, PF_X, PT_LOAD};
use object::read::elf::{ElfFile64, ProgramHeader};

use crate::address::{Address, AddressRange, ByteCount};
use crate::plan::{PageTable, Plan};

const GIGAPAGE: u64 = 1 << 30;
const ENTRIES: u64 = 512;
/// Valid, readable and writable memory of supervisor mode, marked as accessed and written before: V, R, W, A and D. Hence no
/// entry raises a page fault, or has the hart write to the table.
const ALWAYS: u64 = 0b1100_0111;
const EXECUTE: u64 = 1 << 3;
/// X, and the page number without its low 18 bits, which a gigapage must not have. U, G and the reserved bits stay 0.
const SOMETIMES: u64 = EXECUTE | 0x003f_ffff_f000_0000;

/// A load segment.
struct Segment {
    seen: AddressRange,
    loaded: AddressRange,
    writable: bool,
    executable: bool,
}

/// Checks `image`, whose bytes at addresses that code sees `bytes_at` gives.
///
/// # Errors
/// What differs, and where.
pub(super) fn check<'a>(
    plan: &Plan,
    image: &[u8],
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
) -> Result<(), (&'static str, Address)> {
    let segments = segments(image).ok_or(("its program headers are not readable", Address(0)))?;
    let Some(table) = &plan.placement.page_table else {
        let elsewhere = segments.iter().find(|segment| segment.loaded != segment.seen);
        return elsewhere.map_or(Ok(()), |segment| Err(("a segment is loaded elsewhere", segment.seen.start())));
    };
    let root =
        bytes_at(table.at.start(), 8 * ENTRIES as usize).ok_or(("the page table is missing", table.at.start()))?;
    let entries: Vec<u64> = root.chunks_exact(8).map(word).collect();
    for (at, &entry) in (0..ENTRIES).map(|index| Address(index * GIGAPAGE)).zip(&entries) {
        check_entry(table, at, entry).map_err(|what| (what, at))?;
    }
    for segment in &segments {
        let Segment { seen, loaded, executable, .. } = *segment;
        // Each gigapage that the segment has a part of.
        let mut at = seen.start();
        while at < seen.end() {
            let entry = entries.get((at.0 / GIGAPAGE) as usize).copied().filter(|&entry| entry != 0);
            let entry = entry.ok_or(("a segment is not seen", at))?;
            if page(entry).offset((at.0 % GIGAPAGE) as i64) != loaded.start().offset((at - seen.start()).0 as i64) {
                return Err(("a segment is loaded elsewhere than the page table says", at));
            }
            if executable && entry & EXECUTE == 0 {
                return Err(("code lies where nothing can be executed", at));
            }
            at = Address((at.0 / GIGAPAGE + 1) * GIGAPAGE);
        }
        if loaded.overlaps(table.null_page) {
            return Err(("a segment lies in the page of the null pointer", seen.start()));
        }
        if seen.overlaps(table.at) && (segment.writable || seen != loaded) {
            return Err(("the page table is writable, or not seen where it is", seen.start()));
        }
    }
    let mut loaded: Vec<AddressRange> = segments.iter().map(|segment| segment.loaded).collect();
    loaded.sort();
    match loaded.windows(2).find(|pair| pair[0].overlaps(pair[1])) {
        Some(pair) => Err(("two segments are loaded to the same place", pair[1].start())),
        None => Ok(()),
    }
}

/// An entry for `at` is a gigapage, no more and no less than the plan says; others are invalid.
fn check_entry(table: &PageTable, at: Address, entry: u64) -> Result<(), &'static str> {
    let mapping = table.mappings.iter().find(|mapping| mapping.window.range.contains(at));
    let Some(mapping) = mapping else {
        return if entry == 0 { Ok(()) } else { Err("the page table shows what the plan does not") };
    };
    if entry & ALWAYS != ALWAYS || entry & !(ALWAYS | SOMETIMES) != 0 {
        return Err("an entry of the page table is no gigapage of supervisor mode");
    }
    if mapping.window.physical_of(at) != Some(page(entry)) || mapping.executes != (entry & EXECUTE != 0) {
        return Err("an entry of the page table shows something else than planned");
    }
    Ok(())
}

/// The first byte of the gigapage that `entry` shows: its page number is in bits 53–10.
fn page(entry: u64) -> Address {
    Address((entry >> 10 & ((1 << 44) - 1)) << 12)
}

fn word(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn segments(image: &[u8]) -> Option<Vec<Segment>> {
    let file = ElfFile64::<object::Endianness>::parse(image).ok()?;
    let endian = file.endian();
    let loads = file.elf_program_headers().iter().filter(|header| header.p_type(endian) == PT_LOAD);
    let segment = |header: &object::elf::ProgramHeader64<object::Endianness>| {
        let size = ByteCount(header.p_memsz(endian));
        let flags = header.p_flags(endian);
        Some(Segment {
            seen: AddressRange::new(Address(header.p_vaddr(endian)), size)?,
            loaded: AddressRange::new(Address(header.p_paddr(endian)), size)?,
            writable: flags.contains(PF_W),
            executable: flags.contains(PF_X),
        })
    };
    loads.map(segment).collect()
}
