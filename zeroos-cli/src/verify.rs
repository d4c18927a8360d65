//! Reads a finished image back and checks it against its plan: nothing is put in place that was not seen to be right.
//! Pure: from bytes to a verdict.

use object::{Object, ObjectSegment};

use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::AppElf;
use crate::image::{ImageError, read_note};
use crate::plan::{EntryMode, Plan};

/// The `ecall` instruction (ISA manual, "Environment Call and Breakpoints").
const ECALL: [u8; 4] = 0x0000_0073u32.to_le_bytes();

/// Checks `image` against `app` and `plan`.
///
/// # Errors
/// The first difference, with its address.
pub fn verify(app: &AppElf, plan: &Plan, image: &[u8]) -> Result<(), ImageError> {
    let differs = |what: &str, address: Address| ImageError::Verify { what: what.into(), address };
    let file = object::File::parse(image).map_err(|error| differs(&format!("not readable ({error})"), Address(0)))?;
    let entry = Address(file.entry());
    if !plan.placement.kernel_body.contains(entry) {
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
    for segment in &app.segments {
        let (placed, expected) = (plan.placement.placed(segment.range.start()), app.segment_bytes(segment));
        let &(range, data) = segments
            .iter()
            .find(|(range, _)| range.start() == placed)
            .ok_or_else(|| differs("a segment of the program is missing", placed))?;
        if range.size() != segment.range.size() || data != expected {
            return Err(differs("a segment of the program was changed", placed));
        }
    }
    for (&site, mode) in &plan.entries {
        let placed = plan.placement.placed(site);
        match mode {
            EntryMode::Trap if bytes_at(placed, 4) == Some(&ECALL) => {}
            EntryMode::Trap => return Err(differs("a trap site is no ecall", placed)),
        }
    }
    match read_note(image)? {
        Some(note) if note.platform == plan.platform.name => Ok(()),
        _ => Err(differs("the note is missing", Address(0))),
    }
}
