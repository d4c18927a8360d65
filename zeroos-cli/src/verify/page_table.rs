//! Where the segments of an image are loaded: where they are seen, or, behind a page table, where that shows them, with what their
//! flags allow. The table is walked as the hart does (privileged ISA manual, "Virtual Address Translation Process"), apart from
//! who wrote it.

use std::collections::BTreeMap;

use object::elf::{PF_R, PF_W, PF_X, PT_LOAD};
use object::read::elf::{ElfFile64, ProgramHeader};

use super::Started;
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::AppElf;
use crate::plan::{PageTable, Plan};
use crate::platform::Window;

const GIGAPAGE: u64 = 1 << 30;
const CHUNK: u64 = 2 << 20;
const PAGE: u64 = 4096;
const ENTRIES: u64 = 512;
const VALID: u64 = 1;
/// R, W and X.
const RIGHTS: u64 = 0b1110;
const READ_WRITE: u64 = 0b0110;
const EXECUTE: u64 = 0b1000;
/// A and D: no entry raises a page fault for the want of them, or has the hart write to the table.
const USED: u64 = 0b1100_0000;
/// The one bit for software that is in use: something is mapped.
const MAPPED: u64 = 1 << 8;
/// V, R, W, X, U, G, A, D and those for software; above it the page number. The reserved bits 63–54 are taken as part of that.
const FLAGS: u64 = (1 << 10) - 1;

/// A load segment.
struct Segment<'a> {
    seen: AddressRange,
    loaded: AddressRange,
    /// As an entry has them.
    rights: u64,
    data: &'a [u8],
}

type Verdict = Result<(), (&'static str, Address)>;

/// Checks `image`. What pages of the program allow is what its segments say, unless it is `started` already: then it is what the
/// program asked for.
///
/// # Errors
/// What differs, and where.
pub(super) fn check(app: &AppElf, plan: &Plan, image: &[u8], started: Started) -> Verdict {
    let segments = segments(image).ok_or(("its program headers are not readable", Address(0)))?;
    let Some(table) = &plan.placement.page_table else {
        let elsewhere = segments.iter().find(|segment| segment.loaded != segment.seen);
        return elsewhere.map_or(Ok(()), |segment| Err(("a segment is loaded elsewhere", segment.seen.start())));
    };
    for segment in &segments {
        let Segment { seen, loaded, .. } = *segment;
        let last = seen.end().offset(-1);
        if table.physical(seen.start()) != Some(loaded.start()) || table.physical(last) != Some(loaded.end().offset(-1))
        {
            return Err(("a segment is loaded elsewhere than the page table says", seen.start()));
        }
        if seen.overlaps(table.at) && seen != loaded {
            return Err(("the page table is not seen where it is", seen.start()));
        }
    }
    let mut loaded: Vec<AddressRange> = segments.iter().map(|segment| segment.loaded).collect();
    loaded.sort();
    if let Some(pair) = loaded.windows(2).find(|pair| pair[0].overlaps(pair[1])) {
        return Err(("two segments are loaded to the same place", pair[1].start()));
    }
    let expected = expected(app, plan, &segments);
    let null_page = table.program.range.start();
    if expected.contains_key(&(null_page.0 / PAGE)) {
        return Err(("a segment lies in the page of the null pointer", null_page));
    }
    let walk = Walk { table, segments: &segments, expected, started };
    walk.root()
}

/// The rights of every page that has any.
fn expected(app: &AppElf, plan: &Plan, segments: &[Segment<'_>]) -> BTreeMap<u64, u64> {
    let always = plan.placement.always_writable().map(|range| (range, READ_WRITE));
    let executable_stack = app.executable_stack.then_some((plan.placement.stack, EXECUTE));
    let all = segments.iter().map(|segment| (segment.seen, segment.rights)).chain(always).chain(executable_stack);
    let mut expected = BTreeMap::new();
    for (range, rights) in all {
        for page in range.start().0 / PAGE..range.end().0.div_ceil(PAGE) {
            *expected.entry(page).or_insert(0) |= rights;
        }
    }
    expected
}

/// A look at every entry of every table that is in use.
struct Walk<'a> {
    table: &'a PageTable,
    segments: &'a [Segment<'a>],
    expected: BTreeMap<u64, u64>,
    started: Started,
}

impl Walk<'_> {
    fn root(&self) -> Verdict {
        let table = self.table;
        for (index, entry) in (0..ENTRIES).zip(self.entries(table.at.start())) {
            let at = Address(index * GIGAPAGE);
            let with_tables = table.gigapages.iter().position(|window| window.range.contains(at));
            if let Some(index) = with_tables {
                if entry != table.directory(index).0 >> 2 | VALID {
                    return Err(("the page table shows something else than its directory", at));
                }
                self.directory(index, table.gigapages[index])?;
                continue;
            }
            let device = table.devices.physical_of(at).map(|physical| physical.0 >> 2 | VALID | READ_WRITE | USED);
            if entry != device.unwrap_or(0) {
                return Err(("the page table shows what the plan does not", at));
            }
        }
        Ok(())
    }

    fn directory(&self, index: usize, window: Window) -> Verdict {
        for (number, entry) in (0..ENTRIES).zip(self.entries(self.table.directory(index))) {
            let at = window.range.start().offset((number * CHUNK) as i64);
            if entry & VALID != 0 && entry & RIGHTS == 0 {
                let table = self.table.table(index, number);
                if entry != table.0 >> 2 | VALID {
                    return Err(("the page table shows something else than its tables", at));
                }
                for (page, entry) in (0..ENTRIES).zip(self.entries(table)) {
                    self.page(entry, at.offset((page * PAGE) as i64), window, 1)?;
                }
            } else {
                self.page(entry, at, window, CHUNK / PAGE)?;
            }
        }
        Ok(())
    }

    /// An entry shows `count` pages from `at` on: where they are, and with the rights that they are to have.
    fn page(&self, entry: u64, at: Address, window: Window, count: u64) -> Verdict {
        let first = at.0 / PAGE;
        let mapped = self.expected.range(first..first + count);
        let rights = mapped.clone().next().map(|(_, &rights)| rights);
        let is_programs = self.table.program.range.contains(at);
        let flags = entry & FLAGS;
        let is_right = if self.started == Started::Yes && is_programs {
            flags & !(VALID | RIGHTS | USED | MAPPED) == 0 && (entry == 0 || flags & (USED | MAPPED) == USED | MAPPED)
        } else {
            let all_alike = match rights {
                Some(rights) => {
                    mapped.clone().count() as u64 == count && mapped.clone().all(|(_, &other)| other == rights)
                }
                None => true,
            };
            let valid = |rights| if rights == 0 { 0 } else { VALID };
            all_alike && flags == rights.map_or(0, |rights| rights | valid(rights) | USED | MAPPED)
        };
        if !is_right {
            return Err(("the page table allows something else than the image's segments do", at));
        }
        let physical = window.physical_of(at).map_or(0, |physical| physical.0 >> 2);
        if entry != 0 && entry & !FLAGS != physical {
            return Err(("the page table shows something else than planned", at));
        }
        Ok(())
    }

    /// The entries of the table at `at`: memory without bytes in the image is zero.
    fn entries(&self, at: Address) -> impl Iterator<Item = u64> {
        let segment = self.segments.iter().find(|segment| segment.seen.contains(at));
        let offset = segment.map_or(0, |segment| (at - segment.seen.start()).0 as usize);
        let data = segment.and_then(|segment| segment.data.get(offset..)).unwrap_or_default();
        (0..ENTRIES as usize).map(move |index| data.get(8 * index..).map_or(0, word))
    }
}

/// The little-endian word that `bytes` begin with; what they lack is zero.
fn word(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn segments(image: &[u8]) -> Option<Vec<Segment<'_>>> {
    let file = ElfFile64::<object::Endianness>::parse(image).ok()?;
    let endian = file.endian();
    let headers = file.elf_program_headers().iter();
    let loads = headers.filter(|header| header.p_type(endian) == PT_LOAD && header.p_memsz(endian) != 0);
    let segment = |header: &object::elf::ProgramHeader64<object::Endianness>| {
        let size = ByteCount(header.p_memsz(endian));
        let flags = header.p_flags(endian);
        // What can be written can be read.
        let rights = [(PF_R, 0b10), (PF_W, READ_WRITE), (PF_X, EXECUTE)];
        let rights = rights.iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |all, (_, right)| all | right);
        Some(Segment {
            seen: AddressRange::new(Address(header.p_vaddr(endian)), size)?,
            loaded: AddressRange::new(Address(header.p_paddr(endian)), size)?,
            rights,
            data: header.data(endian, image).ok()?,
        })
    };
    loads.map(segment).collect()
}
