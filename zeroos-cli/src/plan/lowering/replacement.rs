//! What stands in place of one atomic instruction: plain ones where it is, or a jump to a stub. The jump is `j stub` where some
//! room for stubs is within 1 MiB; else `auipc` and `jr` by a register that is dead there, on the instruction and the one
//! before it, which moves into the stub. Last comes a stub within 1 MiB in the program's text, where nobody executes or reads that.

use super::{FAR, NEAR, NO_ROOM, Replacement, Spill, ZERO, extra, plain};
use crate::address::Address;
use crate::analysis::AtomicSite;
use crate::elf::AppElf;
use crate::isa::{ControlFlow, Extension, Instruction, Op, Register, RegisterSet, decode, split_displacement};
use crate::plan::Placement;
use crate::plan::stub_rooms::StubRooms;

/// Chooses for `site`. `global_pointer` is what gp holds everywhere, if it is one value.
///
/// # Errors
/// Why nothing can stand there.
pub(super) fn choose(
    app: &AppElf,
    site: &AtomicSite,
    placement: &Placement,
    global_pointer: Option<Address>,
    rooms: &mut StubRooms,
) -> Result<Replacement, &'static str> {
    let (address, instruction) = (site.mention.address, site.mention.instruction);
    let touches = |target: u64| target < address.0 + 8 && address.0 < target.saturating_add(12);
    if app.relocations.iter().any(|relocation| touches(relocation.target.0)) {
        return Err("since a relocation changes them as the program starts");
    }
    let dead = general_registers().minus(site.live_after);
    let mut global_pointer = global_pointer.map(|address| placement.placed(address));
    let (body, spill) = match body(&instruction, dead) {
        Some(found) => {
            global_pointer = None;
            found
        }
        None => global_pointer
            .and_then(|_| body(&instruction, dead.with(Register::GP)))
            .ok_or("for want of a register that is free there")?,
    };
    match body.as_slice() {
        [_] => return Ok(Replacement::InPlace(body)),
        [_, succeeds] if tries_again(app, site) && succeeds.rd() == instruction.rd() => {
            return Ok(Replacement::InPlace(body));
        }
        _ => {}
    }
    let placed = placement.placed(address);
    let size = 4 * (body.len() + 1 + extra(spill.as_ref(), global_pointer.as_ref())) as u64;
    let is_near = |stub: Address| stub.0.abs_diff(placed.0) < NEAR;
    let stub = match rooms.take(size, is_near) {
        Some(stub) => stub,
        None => match far(site, dead, placed, rooms) {
            Some(far) => return Ok(far),
            None => rooms.take_text(size, is_near).ok_or(NO_ROOM)?,
        },
    };
    let ends = placement.kernel.ranges().flat_map(|range| [range.start(), range.end()]);
    if spill.is_some() && ends.map(|end| end.0.abs_diff(stub.start().0)).max().is_some_and(|distance| distance > FAR) {
        return Err("for want of a register that is free there, or memory of the kernel within 2 GiB to keep one");
    }
    Ok(Replacement::Stub { stub, body, by: None, spill, global_pointer })
}

/// A stub further away, for an instruction behind one that can move there.
fn far(site: &AtomicSite, dead: RegisterSet, placed: Address, rooms: &mut StubRooms) -> Option<Replacement> {
    let (before, atomic) = (site.before?, site.mention.instruction);
    let is_site = before.op == Op::Fence || before.extensions().any(|extension| extension == Extension::A);
    if before.length != 4 || before.flow() != ControlFlow::Next || before.op == Op::Auipc || is_site {
        return None;
    }
    before.encode()?;
    let effects = before.effects();
    let used = RegisterSet::of(&[atomic.rd(), atomic.rs1(), atomic.rs2()]).union(effects.uses).union(effects.defines);
    let by = dead.minus(used).iter().next()?;
    let mut body = vec![before];
    body.extend(plain::plain(&atomic, dead.without(by))?);
    let size = 4 * (body.len() as u64 + 2);
    let reaches = |stub: Address| {
        let displacement = stub.0.wrapping_sub(placed.0).cast_signed();
        split_displacement(displacement).is_some() && displacement.unsigned_abs() < FAR
    };
    let stub = rooms.take(size, reaches)?;
    Some(Replacement::Stub { stub, body, by: Some(by), spill: None, global_pointer: None })
}

/// Plain instructions for `atomic` by the registers that are `free`, and if these are too few, one more.
fn body(atomic: &Instruction, free: RegisterSet) -> Option<(Vec<Instruction>, Option<Spill>)> {
    if let Some(body) = plain::plain(atomic, free) {
        return Some((body, None));
    }
    let operands = RegisterSet::of(&[atomic.rs1(), atomic.rs2()]);
    // What leads to the memory for the other: the result's register, whose old value nobody needs, or one that is free.
    let result = RegisterSet::of(&[atomic.rd()]).without(ZERO);
    let by = result.union(free).minus(operands).iter().next()?;
    let kept = general_registers().minus(operands).minus(free).without(by).without(atomic.rd()).iter().next()?;
    let body = plain::plain(atomic, free.with(kept))?;
    Some((body, Some(Spill { register: kept, by })))
}

/// All but those that say where things are.
fn general_registers() -> RegisterSet {
    let fixed = [Register::SP, Register::GP, Register::new(4)];
    (1..32).map(Register::new).filter(|register| !fixed.contains(register)).fold(RegisterSet::EMPTY, RegisterSet::with)
}

/// Whether `bnez rd, …` follows the `sc` of `site`, and nothing else leads there.
fn tries_again(app: &AppElf, site: &AtomicSite) -> bool {
    let is_conditional = matches!(site.mention.instruction.op, Op::ScW | Op::ScD);
    let next = app.bytes_from(site.mention.address.offset(4)).and_then(decode);
    is_conditional
        && site.alone_leads_on
        && next.is_some_and(|next| {
            let (left, right) = (next.rs1(), next.rs2());
            let rd = site.mention.instruction.rd();
            next.op == Op::Bne && next.length == 4 && rd != ZERO && [(rd, ZERO), (ZERO, rd)].contains(&(left, right))
        })
}
