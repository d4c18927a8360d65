//! Reads a finished image back and checks it against its plan: nothing is put in place that was not seen to be right.
//! Pure: from bytes to a verdict.

mod loader;
mod lowered;
mod page_table;
mod unused_text;

use std::borrow::Cow;

use object::{Object, ObjectSegment};

use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::{AppElf, Segment};
use crate::image::{ImageError, read_note};
use crate::isa::{Instruction, Op, Register, decode};
use crate::plan::{DirectEntry, Jump, Plan};

/// The `ecall` instruction (ISA manual, "Environment Call and Breakpoints").
const ECALL: [u8; 4] = 0x0000_0073u32.to_le_bytes();

/// Whether an image starts at its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Started {
    /// At the bootloader, with the program's memory as in its file.
    No,
    /// Where a snapshot was taken: writable memory is what the run made of it.
    Yes,
}

/// Checks `image` against `app` and `plan`.
///
/// # Errors
/// The first difference, with its address.
pub fn verify(app: &AppElf, plan: &Plan, image: &[u8], started: Started) -> Result<(), ImageError> {
    let differs = |what: &str, address: Address| ImageError::Verify { what: what.into(), address };
    let file = object::File::parse(image).map_err(|error| differs(&format!("not readable ({error})"), Address(0)))?;
    let entry = Address(file.entry());
    if !plan.placement.kernel.code().contains(entry) {
        return Err(differs("the entry is outside the kernel", entry));
    }
    let segments: Vec<(AddressRange, &[u8])> = file
        .segments()
        .filter_map(|segment| {
            let range = AddressRange::new(Address(segment.address()), ByteCount(segment.size()))?;
            Some((range, segment.data().ok()?))
        })
        .collect();
    for pair in segments.windows(2) {
        if pair[0].0.end() > pair[1].0.start() {
            return Err(differs("segments are not ascending and apart", pair[1].0.start()));
        }
    }
    for &(range, _) in &segments {
        if !plan.placement.ram.iter().any(|ram| ram.covers(range)) {
            return Err(differs("a segment lies outside the machine's memory", range.start()));
        }
    }
    let bytes_at = |address: Address, size: usize| -> Option<&[u8]> {
        let &(range, data) = segments.iter().find(|(range, _)| range.contains(address))?;
        let offset = (address - range.start()).0 as usize;
        data.get(offset..offset.checked_add(size)?)
    };
    // The only bytes of the program that may differ from the file: the listed sites, and what lies in unused text.
    let replaced = plan.direct_sites().flat_map(|(site, entry)| [entry.jump.at_site(site), entry.jump.island()]);
    let replaced = replaced.flatten();
    let mut replaced: Vec<AddressRange> =
        replaced.chain(lowered::replaced(plan)).chain(unused_text::stubs(plan)).collect();
    replaced.sort();
    if let Some(two) = replaced.windows(2).find(|two| two[0].overlaps(two[1])) {
        return Err(differs("two things stand in one place", two[1].start()));
    }
    for segment in &app.segments {
        let (placed, expected) = (plan.placement.placed(segment.range.start()), expected_bytes(app, plan, segment)?);
        let range = AddressRange::new(placed, segment.range.size()).unwrap_or_default();
        if started == Started::Yes && segment.permissions.write && segments.iter().any(|(all, _)| all.covers(range)) {
            continue;
        }
        let &(range, data) = segments
            .iter()
            .find(|(range, _)| range.start() == placed)
            .ok_or_else(|| differs("a segment of the program is missing", placed))?;
        if range.size() != segment.range.size() || data.len() != expected.len() {
            return Err(differs("a segment of the program has another size", placed));
        }
        let changed = data.iter().zip(&*expected).enumerate().filter(|(_, (new, old))| new != old);
        for (offset, _) in changed {
            let at = placed.offset(offset as i64);
            let next = replaced.partition_point(|range| range.end() <= at);
            if !replaced.get(next).is_some_and(|range| range.contains(at)) {
                return Err(differs("a segment of the program was changed", at));
            }
        }
    }
    for (site, _) in plan.trap_sites() {
        let placed = plan.placement.placed(site);
        if bytes_at(placed, 4) != Some(&ECALL) {
            return Err(differs("a trap site is no ecall", placed));
        }
    }
    for (site, entry) in plan.direct_sites() {
        check_site(&bytes_at, site, entry).map_err(|what| differs(what, site))?;
    }
    unused_text::check(app, plan).map_err(|(what, at)| differs(what, at))?;
    lowered::check(plan, &bytes_at).map_err(|(what, at)| differs(what, at))?;
    page_table::check(app, plan, image, started).map_err(|(what, at)| differs(what, at))?;
    loader::check(&file, &plan.platform)?;
    match read_note(image)? {
        Some(note) if note.platform == plan.platform.name => Ok(()),
        _ => Err(differs("the note is missing", Address(0))),
    }
}

/// The bytes of the file, with the relocations that were to be applied.
fn expected_bytes<'a>(app: &'a AppElf, plan: &Plan, segment: &Segment) -> Result<Cow<'a, [u8]>, ImageError> {
    let mut bytes = Cow::Borrowed(app.segment_bytes(segment));
    for (&address, word) in plan.relocated.range(segment.range.start()..segment.range.end()) {
        let offset = (address - segment.range.start()).0 as usize;
        let what = "a relocation lies outside the file's bytes";
        let outside = || ImageError::Verify { what: what.into(), address };
        bytes.to_mut().get_mut(offset..offset + 8).ok_or_else(outside)?.copy_from_slice(&word.to_le_bytes());
    }
    Ok(bytes)
}

/// Decodes what stands at `site` and follows it: to the first instruction of its stub, and from the stub's end back behind
/// the site.
fn check_site<'a>(
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
    site: Address,
    entry: &DirectEntry,
) -> Result<(), &'static str> {
    let instruction = |at: Address| decode(bytes_at(at, 4).or_else(|| bytes_at(at, 2))?);
    let at_site = instruction(site).ok_or("a site is no instruction")?;
    let link = entry.link.unwrap_or(Register::ZERO);
    let pair = |start: Address, temporary: Register| {
        let what = "a site is no jump to its stub";
        let (upper, jump) = (instruction(start).ok_or(what)?, instruction(start.offset(4)).ok_or(what)?);
        let is_pair = upper.op == Op::Auipc && upper.rd() == temporary && jump.op == Op::Jalr;
        if !is_pair || jump.rs1() != temporary || jump.rd() != link {
            return Err(what);
        }
        Ok(start.offset(i64::from(upper.immediate) + i64::from(jump.immediate)))
    };
    let target = match entry.jump {
        Jump::Near if at_site.op == Op::Jal && at_site.rd() == link => site.offset(i64::from(at_site.immediate)),
        Jump::Far { temporary, .. } => pair(site.offset(-4), temporary)?,
        Jump::Island { temporary, island } if at_site.op == Op::Jal && at_site.rd() == link => {
            if site.offset(i64::from(at_site.immediate)) != island {
                return Err("a site jumps elsewhere than to its island");
            }
            pair(island, temporary)?
        }
        Jump::Near | Jump::Island { .. } => return Err("a site is no jump to its stub"),
    };
    if target != entry.stub.start() {
        return Err("a site jumps elsewhere than to its stub");
    }
    if let Jump::Far { replaced, temporary } = entry.jump {
        let same = |(at, moved): (usize, Instruction)| {
            let word = bytes_at(target.offset(4 * at as i64), 4);
            moved.encode().is_some_and(|moved| word == Some(&moved.to_le_bytes()))
        };
        if !replaced.moved().enumerate().all(same) {
            return Err("what stood before a site is not in its stub");
        }
        let moved = replaced.moved().count() as i64;
        if moved > 0 && entry.link.is_none() {
            // What has the jump at the site go on behind them, where the call is made again.
            let adjusts = instruction(target.offset(4 * moved)).is_some_and(|next| {
                let is_own = next.op == Op::Addi && next.rd() == temporary && next.rs1() == temporary;
                is_own && i64::from(next.immediate) == 4 * (moved + 1)
            });
            if !adjusts {
                return Err("a stub would execute twice what stood before its site");
            }
        }
    }
    let (mut at, mut upper) = (target, (Register::ZERO, target));
    while at < entry.stub.end() {
        let next = instruction(at).ok_or("a stub does not lead back")?;
        let goes = match next.op {
            Op::Jal if next.rd() == Register::ZERO => Some(at.offset(next.immediate.into())),
            Op::Jalr if next.rd() == Register::ZERO && next.rs1() == upper.0 => {
                Some(upper.1.offset(next.immediate.into()))
            }
            _ => None,
        };
        if goes == Some(site.offset(4)) {
            return Ok(());
        }
        if next.op == Op::Auipc {
            upper = (next.rd(), at.offset(next.immediate.into()));
        }
        at = at.offset(next.length.into());
    }
    Err("a stub does not lead back")
}
