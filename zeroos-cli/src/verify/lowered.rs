//! The sites at which other instructions stand for what the machine lacks: what they are, and that their stubs lead back.

use crate::address::{Address, AddressRange, ByteCount};
use crate::image::{filler, words};
use crate::isa::{Op, Register, decode};
use crate::plan::{Lowering, Plan, Replacement, Spill};

/// The bytes of the program that may differ from the file.
pub(super) fn replaced(plan: &Plan) -> impl Iterator<Item = AddressRange> {
    plan.lowered_sites().filter_map(|(site, lowering)| at_site(site, lowering)).chain(plan.unreached())
}

/// The bytes that stand for a lowered instruction where it was.
pub(super) fn at_site(site: Address, lowering: &Lowering) -> Option<AddressRange> {
    let (start, code) = lowering.at_site(site)?;
    AddressRange::new(start, ByteCount(4 * code.len() as u64))
}

/// Checks all of them.
///
/// # Errors
/// The first that is not as planned, and where.
pub(super) fn check<'a>(
    plan: &Plan,
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
) -> Result<(), (&'static str, Address)> {
    for (site, lowering) in plan.lowered_sites() {
        check_site(plan, bytes_at, site, lowering).map_err(|what| (what, site))?;
    }
    for range in plan.unreached() {
        let mut expected = filler(plan).iter().cycle();
        let found = bytes_at(range.start(), range.size().0 as usize);
        if !found.is_some_and(|found| found.iter().all(|byte| Some(byte) == expected.next())) {
            return Err(("what nobody reaches is not filled", range.start()));
        }
    }
    Ok(())
}

fn check_site<'a>(
    plan: &Plan,
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
    site: Address,
    lowering: &Lowering,
) -> Result<(), &'static str> {
    let isa = &plan.platform.isa;
    let (first, count) = match &lowering.replacement {
        Replacement::InPlace(instructions) => (site, instructions.len()),
        Replacement::Stub { stub, body, by, spill, global_pointer } => {
            let jump = if by.is_some() { site.offset(-4) } else { site };
            if jump_target(bytes_at, jump, *by) != Some(stub.start()) {
                return Err("a lowered site does not jump to its stub");
            }
            let start = stub.start().offset(if spill.is_some() { 8 } else { 0 });
            let behind = start.offset(4 * body.len() as i64);
            if let Some(spill) = spill {
                check_spill(plan, bytes_at, *spill, stub.start(), behind).ok_or("a stub does not keep a register")?;
            }
            let mut at = behind.offset(if spill.is_some() { 8 } else { 0 });
            if let Some(value) = *global_pointer {
                if address_in(bytes_at, at, Op::Addi, Register::GP, Register::GP) != Some(value) {
                    return Err("a stub does not give gp back");
                }
                at = at.offset(8);
            }
            if jump_target(bytes_at, at, *by) != Some(site.offset(4)) {
                return Err("a lowered instruction's stub does not lead back");
            }
            (start, body.len())
        }
    };
    let expected = match &lowering.replacement {
        Replacement::InPlace(code) | Replacement::Stub { body: code, .. } => words(code),
    };
    let found = bytes_at(first, 4 * count).ok_or("a lowered instruction is not in the image")?;
    if expected.as_deref() != Some(found) {
        return Err("a lowered instruction is not what was planned");
    }
    let is_executable = |word: &[u8]| decode(word).is_some_and(|instruction| isa.executes(&instruction));
    if found.chunks(4).all(is_executable) { Ok(()) } else { Err("a lowered instruction is none that the machine has") }
}

/// Decodes what keeps a register before a stub's body, at `before`, and what loads it, at `behind`: both must name the same
/// word, in the kernel's memory.
fn check_spill<'a>(
    plan: &Plan,
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
    spill: Spill,
    before: Address,
    behind: Address,
) -> Option<()> {
    let stored = address_in(bytes_at, before, Op::Sd, spill.by, spill.register)?;
    let loaded = address_in(bytes_at, behind, Op::Ld, spill.register, spill.register)?;
    let is_kernels = plan.placement.kernel.ranges().any(|range| range.contains(stored));
    (stored == loaded && is_kernels).then_some(())
}

/// The address that the pair at `at` names, if it is `auipc base` and an `op` by `base` that moves `moved`.
fn address_in<'a>(
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
    at: Address,
    op: Op,
    base: Register,
    moved: Register,
) -> Option<Address> {
    let upper = bytes_at(at, 4).and_then(decode)?;
    let access = bytes_at(at.offset(4), 4).and_then(decode)?;
    let found = if op == Op::Sd { access.rs2() } else { access.rd() };
    let fits = upper.op == Op::Auipc && upper.rd() == base && access.op == op && access.rs1() == base;
    (fits && found == moved).then(|| at.offset(i64::from(upper.immediate) + i64::from(access.immediate)))
}

/// Where the jump at `at` goes: `j`, or `auipc` and `jr` by a register.
fn jump_target<'a>(
    bytes_at: &impl Fn(Address, usize) -> Option<&'a [u8]>,
    at: Address,
    by: Option<Register>,
) -> Option<Address> {
    if let Some(by) = by {
        return address_in(bytes_at, at, Op::Jalr, by, Register::ZERO);
    }
    let jump = bytes_at(at, 4).and_then(decode)?;
    (jump.op == Op::Jal && jump.rd == 0).then(|| at.offset(jump.immediate.into()))
}
