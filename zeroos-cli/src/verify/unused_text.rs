//! What islands and stubs take of the program's text: space that the plan says nobody executes or reads, in a segment of code that
//! can be read, where neither the entry lies, nor an instruction that was replaced or traps, nor a word that is relocated.

use super::lowered;
use crate::address::{Address, AddressRange, ByteCount};
use crate::elf::AppElf;
use crate::plan::{EntryMode, Plan, Replacement};

/// The stubs that lie there.
pub(super) fn stubs(plan: &Plan) -> impl Iterator<Item = AddressRange> {
    all_stubs(plan).filter(|&stub| plan.is_unused_text(stub))
}

/// Checks all of it.
///
/// # Errors
/// What lies elsewhere than it may, and where.
pub(super) fn check(app: &AppElf, plan: &Plan) -> Result<(), (&'static str, Address)> {
    let placed = |address| plan.placement.placed(address);
    let segments = app
        .segments
        .iter()
        .filter_map(|segment| Some((segment, AddressRange::new(placed(segment.range.start()), segment.range.size())?)));
    let islands = plan.direct_sites().filter_map(|(_, entry)| entry.jump.island());
    if let Some(island) = { islands }.find(|&island| !plan.is_unused_text(island)) {
        return Err(("an island lies where the program needs its text", island.start()));
    }
    for stub in all_stubs(plan) {
        let in_program = segments.clone().any(|(_, segment)| segment.overlaps(stub));
        let in_kernel = plan.placement.kernel.ranges().any(|kernel| kernel.overlaps(stub));
        if in_kernel || in_program && !plan.is_unused_text(stub) {
            return Err(("a stub lies in the program or the kernel", stub.start()));
        }
    }
    let is_code = |unused: AddressRange| {
        let mut holding = segments.clone().filter(|(_, segment)| segment.covers(unused));
        holding.any(|(segment, _)| segment.permissions.execute && segment.permissions.read)
    };
    if let Some(unused) = plan.unused_text.iter().find(|&&unused| !is_code(unused)) {
        return Err(("what nobody executes lies in no code", unused.start()));
    }
    let word = |start, size| AddressRange::new(start, ByteCount(size));
    let calls = plan.entries.iter().filter_map(|(&site, entry)| match entry {
        EntryMode::Direct(entry) => entry.jump.at_site(placed(site)),
        EntryMode::Trap(_) => word(placed(site), 4),
    });
    let lowered = plan.lowered_sites().filter_map(|(site, lowering)| lowered::at_site(site, lowering));
    let relocated = app.relocations.iter().filter_map(|relocation| word(placed(relocation.target), 8));
    let used = calls.chain(lowered).chain(relocated).chain(word(placed(app.entry), 2));
    for range in used {
        if plan.unused_text.iter().any(|unused| unused.overlaps(range)) {
            return Err(("what nobody executes or reads is in use", range.start()));
        }
    }
    Ok(())
}

/// The stubs of calls and of lowered instructions.
fn all_stubs(plan: &Plan) -> impl Iterator<Item = AddressRange> {
    let lowered = plan.lowered_sites().filter_map(|(_, lowering)| match &lowering.replacement {
        Replacement::Stub { stub, .. } => Some(*stub),
        Replacement::InPlace(_) => None,
    });
    plan.direct_sites().map(|(_, entry)| entry.stub).chain(lowered)
}
