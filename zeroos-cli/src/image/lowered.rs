//! What stands in place of instructions that the machine lacks: written into the program's pieces, and the stubs of those
//! that need more room than the instruction had.

use kernel_fragments::thread::KERNEL_STACK;

use super::ImageError;
use super::kernel::LinkedKernel;
use super::layout::{Origin, Piece};
use super::stubs::{FILLER, Stub, fill};
use crate::address::Address;
use crate::isa::Instruction;
use crate::plan::{Plan, Replacement};

/// A word of the first thread's kernel stack that no call comes down to: this many bytes below the top of its 64 KiB, of which
/// calls need less than what other threads have. A stub keeps a register there; nothing runs in between.
const UNUSED_STACK: usize = 3 * KERNEL_STACK;

/// The stubs of all lowered instructions that have one.
///
/// # Errors
/// A stub that does not reach its site.
pub(super) fn stubs(plan: &Plan, kernel: &LinkedKernel) -> Result<Vec<Stub>, ImageError> {
    let top = kernel.symbol("zeroos_stack_top");
    let top = top.ok_or_else(|| ImageError::Kernel { what: "it has no `zeroos_stack_top`".into() })?;
    let word = top.offset(-(UNUSED_STACK as i64));
    let with_stub = plan.lowered_sites().filter_map(|(site, lowering)| match &lowering.replacement {
        Replacement::Stub { stub, .. } => Some((site, lowering, *stub)),
        Replacement::InPlace(_) => None,
    });
    with_stub
        .map(|(site, lowering, stub)| {
            let code = lowering.in_stub(site, word).and_then(|code| words(&code)).ok_or_else(|| unusable(site))?;
            Ok(Stub::lowered(site, stub.start(), code))
        })
        .collect()
}

/// Puts the replacements into the program's `pieces`.
///
/// # Errors
/// A site that lies in no piece.
pub(super) fn patch(plan: &Plan, pieces: &mut [Piece]) -> Result<(), ImageError> {
    for (site, lowering) in plan.lowered_sites() {
        let (start, code) = lowering.at_site(site).ok_or_else(|| unusable(site))?;
        put(pieces, start, &words(&code).ok_or_else(|| unusable(site))?)?;
    }
    for range in plan.unreached() {
        let mut bytes = Vec::new();
        fill(&mut bytes, range.size().0 as usize, filler(plan));
        put(pieces, range.start(), &bytes)?;
    }
    Ok(())
}

/// What stands where nobody gets: `ebreak`, compressed where instructions may be.
pub(crate) fn filler(plan: &Plan) -> &'static [u8] {
    if plan.platform.isa.compressed { &COMPRESSED_FILLER } else { &FILLER }
}

/// `c.ebreak`
const COMPRESSED_FILLER: [u8; 2] = 0x9002u16.to_le_bytes();

/// Puts `bytes` in the place of the program's at `at`.
///
/// # Errors
/// A place that lies in no piece of the program.
pub(super) fn put(pieces: &mut [Piece], at: Address, bytes: &[u8]) -> Result<(), ImageError> {
    let piece = pieces.iter_mut().find(|piece| piece.origin == Origin::Program && piece.range.contains(at));
    let piece = piece.ok_or_else(|| unusable(at))?;
    let offset = (at - piece.range.start()).0 as usize;
    let place = piece.bytes.get_mut(offset..offset + bytes.len()).ok_or_else(|| unusable(at))?;
    place.copy_from_slice(bytes);
    Ok(())
}

/// `instructions` as bytes.
pub(crate) fn words(instructions: &[Instruction]) -> Option<Vec<u8>> {
    let words: Option<Vec<u32>> = instructions.iter().map(Instruction::encode).collect();
    Some(words?.into_iter().flat_map(u32::to_le_bytes).collect())
}

/// The error of a site where nothing can be put.
pub(super) fn unusable(site: Address) -> ImageError {
    ImageError::Stub { site, what: "its instruction cannot be replaced".into() }
}
