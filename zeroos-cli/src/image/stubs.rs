//! The stubs: for each replaced `ecall` the code that enters the kernel, calls the function of that very call and goes back
//! behind the site. What is read afterwards keeps its value, and nothing is written to the program's stack.
//!
//! ```text
//! addi  t, a7, -N ; bnez t, 3f     if the number is not certain
//! csrrw sp, mscratch, sp     sp: the thread, on top of its kernel stack; mscratch: the program's sp
//! sd    …, …(sp)             into the thread's frame: live registers that the callee changes
//! csrw  mepc, link           behind the call, if the callee asks; without a link register, by auipc and addi
//! mv    a6, sp               the thread, if the callee wants it
//! call  zeroos_call_…
//! ld    t0, leave(sp) ; beqz t0, 2f     if the callee may leave otherwise:
//! li t1, N ; sd t1, a7's(sp) ; jump zeroos_leave_otherwise, the return address in t1
//! ld    …, …(sp)             where a thread goes on that left: what the callee does not change
//! 2: ld …, …(sp)             what it changes
//! csrrw sp, mscratch, sp
//! j     behind the site
//! 3: csrrw sp, mscratch, sp ; csrw mepc, … ; mv a0, a7 ; jump zeroos_unpredicted
//! ```
//!
//! A call that mostly has another thread go on (`turn!`) is made with all live registers in the frame, by `zeroos_turn_…`
//! in place of `zeroos_call_…`, which never returns: the stub's end is where this thread goes on.
//!
//! Behind a page table, in supervisor mode, `sscratch` and `sepc` take the place of `mscratch` and `mepc`.
//!
//! Without CSRs the running thread is found in memory, by a register that is dead at the site, and its frame keeps what the
//! CSRs keep otherwise:
//!
//! ```text
//! auipc t, … ; ld t, …(t)    zeroos_running; its address alone in kernels with one thread
//! sd    sp, 16(t) ; mv sp, t
//! sd    link, 0(sp)          behind the call
//! …
//! ld    t0, leave(sp) ; bnez t0, 2f
//! ld    …, …(sp)
//! ld    sp, 16(sp)
//! j     behind the site
//! 2: … ; sd t1, continuation(sp) ; jump zeroos_leave_otherwise
//!    ld t6, … ; ld sp, … ; j behind the site      the continuation: how a thread that left goes on
//!    ld t6, … ; ld sp, … ; j the stub             the same, where the call is made again
//! ```
//!
//! The kernel may lie further away than `auipc` reaches: then the jumps there load its address from behind the stub.
//!
//! A callee that needs no stack and changes nothing that is live is called without all this, or copied here if it is short.
//! A call that may leave otherwise has all live registers and its arguments in the frame: another thread may run, a handler
//! may be entered, or the call be made again at its site.

use std::mem::offset_of;

use kernel_fragments::thread::{Frame, Thread};

use super::callee::{self, Reader};
use super::kernel::LinkedKernel;
use super::layout::{Origin, Piece};
use super::stub_code::{RunningThread, StubCode};
use super::{DirectSite, ImageError};
use crate::address::{Address, AddressRange, ByteCount};
use crate::catalog::{Handler, Parameter};
use crate::elf::Permissions;
use crate::isa::{Op, Register, RegisterSet};
use crate::plan::{Before, Callee, DirectEntry, Jump, Plan, UNPREDICTED, turn_symbol};
use crate::platform::LoaderRules;

/// Where a thread says how its call leaves the kernel, in bytes.
const LEAVE: i32 = offset_of!(Thread, leave) as i32;
/// Where a frame says how it is gone on with, in bytes.
const CONTINUATION: i64 = offset_of!(Frame, continuation) as i64;
/// The register that continuations load.
const LAST: Register = Register::new(31);
const ZERO: Register = Register::ZERO;
const T1: Register = Register::new(6);
const A6: Register = Register::new(16);
/// Stubs that lie this close together, in bytes, are one piece of the image.
const GAP: u64 = 512;
const CODE: Permissions = Permissions { read: true, write: false, execute: true };
/// What loaders deal in, bytes.
const PAGE: u64 = 4096;
/// What lies between stubs: `ebreak`, which no one executes and every machine can decode.
pub(super) const FILLER: [u8; 4] = 0x0010_0073u32.to_le_bytes();

/// A stub at its address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stub {
    /// The `ecall` that it stands for.
    pub site: Address,
    /// Its first instruction.
    pub start: Address,
    /// Where the call begins, behind what moved there from before the site: up to there they are the program's instructions.
    pub call: Address,
    /// Its code.
    pub bytes: Vec<u8>,
    /// The only call it makes, if it is one.
    number: Option<u64>,
    /// How a thread goes on behind the site, and how it makes the call again, if the call may leave it and only the stub can.
    pub continuations: Option<[Address; 2]>,
}

impl Stub {
    /// The one of an instruction at `site` that is no call.
    pub fn lowered(site: Address, start: Address, bytes: Vec<u8>) -> Stub {
        Stub { site, start, call: start, bytes, number: None, continuations: None }
    }

    /// What an engine must know of it.
    pub fn note(&self) -> DirectSite {
        DirectSite { site: self.site, stub: self.call, number: self.number }
    }

    /// Where it lies.
    pub fn range(&self) -> AddressRange {
        AddressRange::new(self.start, ByteCount(self.bytes.len() as u64)).unwrap_or_default()
    }

    /// The program's instructions that it begins with.
    pub fn moved(&self) -> AddressRange {
        AddressRange::between(self.start, self.call).unwrap_or_default()
    }
}

/// Writes the stubs of all sites, by site.
///
/// # Errors
/// A kernel that lacks a function, or a stub that does not fit its room.
pub(super) fn write(plan: &Plan, kernel: &LinkedKernel) -> Result<Vec<Stub>, ImageError> {
    let mut reader = Reader::new(kernel, plan.privilege());
    let thread = running_thread(plan, kernel)
        .ok_or_else(|| ImageError::Kernel { what: "it does not say which thread runs".into() })?;
    plan.direct_sites().map(|(site, entry)| stub(plan, kernel, thread, &mut reader, site, entry)).collect()
}

/// Every place at which a call leaves a thread, with the code that goes on there, ascending.
pub(super) fn continuations(stubs: &[Stub]) -> Vec<(Address, Address)> {
    let both = stubs.iter().filter_map(|stub| Some((stub.site, stub.continuations?)));
    let mut places: Vec<(Address, Address)> =
        both.flat_map(|(site, [behind, again])| [(site.offset(4), behind), (site, again)]).collect();
    places.sort();
    places
}

/// How stubs of `plan` find the running thread.
fn running_thread(plan: &Plan, kernel: &LinkedKernel) -> Option<RunningThread> {
    if plan.platform.has_trap_csrs() {
        Some(RunningThread::Scratch(plan.privilege()))
    } else if plan.selection.has_threads() {
        kernel.symbol("zeroos_running").map(RunningThread::Word)
    } else {
        kernel.symbol("zeroos_first_thread").map(RunningThread::Only)
    }
}

/// The stubs as pieces of an image. In an area of `filled` there is one piece, which leads up to its end: machines that keep code
/// and data apart may want code without gaps.
pub(super) fn pieces<'s>(
    stubs: impl Iterator<Item = &'s Stub>,
    loader: &LoaderRules,
    filled: &[AddressRange],
) -> Vec<Piece> {
    let gap = if loader.separate_pages { 2 * PAGE } else { GAP };
    let area_of = |range: AddressRange| filled.iter().find(|area| area.covers(range));
    let mut ascending: Vec<&Stub> = stubs.collect();
    ascending.sort_by_key(|stub| stub.start);
    let mut pieces: Vec<Piece> = Vec::new();
    for stub in ascending {
        let range = stub.range();
        match pieces.last_mut() {
            Some(last)
                if area_of(last.range) == area_of(range)
                    && (area_of(range).is_some() || (range.start() - last.range.end()).0 <= gap) =>
            {
                fill(&mut last.bytes, (range.start() - last.range.start()).0 as usize, &FILLER);
                last.bytes.extend_from_slice(&stub.bytes);
                last.range = AddressRange::between(last.range.start(), range.end()).unwrap_or_default();
            }
            _ => pieces.push(Piece {
                name: format!(".stubs.{}", pieces.len()),
                origin: Origin::Stubs,
                range,
                bytes: stub.bytes.clone(),
                permissions: CODE,
            }),
        }
    }
    for area in filled {
        if !pieces.iter().any(|piece| area.covers(piece.range)) {
            let range = AddressRange::between(area.start(), area.start()).unwrap_or_default();
            pieces.push(Piece {
                name: format!(".stubs.{}", pieces.len()),
                origin: Origin::Stubs,
                range,
                bytes: Vec::new(),
                permissions: CODE,
            });
        }
    }
    for piece in &mut pieces {
        if let Some(area) = area_of(piece.range) {
            fill(&mut piece.bytes, (area.end() - piece.range.start()).0 as usize, &FILLER);
            piece.range = AddressRange::between(piece.range.start(), area.end()).unwrap_or(piece.range);
        }
    }
    pieces
}

/// Makes `bytes` `len_bytes` long, by repeating `filler`.
pub(super) fn fill(bytes: &mut Vec<u8>, len_bytes: usize, filler: &[u8]) {
    let missing = len_bytes.saturating_sub(bytes.len());
    bytes.extend(filler.iter().copied().cycle().take(missing));
}

fn stub(
    plan: &Plan,
    kernel: &LinkedKernel,
    thread: RunningThread,
    reader: &mut Reader<'_>,
    site: Address,
    entry: &DirectEntry,
) -> Result<Stub, ImageError> {
    let fault = |what: &str| ImageError::Stub { site, what: what.into() };
    let symbol = |name: &str| kernel.symbol(name).ok_or_else(|| fault(&format!("the kernel has no `{name}`")));
    let target = symbol(&entry.callee.symbol())?;
    let callee = reader.callee(target);
    let leaves = plan.selection.may_leave(entry.callee);
    let handler = match entry.callee {
        Callee::Call(number) => plan.selection.handlers.get(&number).map(|(_, handler)| handler),
        Callee::Dispatcher => None,
    };
    let wants_frame = match entry.callee {
        Callee::Call(_) => handler.is_some_and(Handler::wants_frame),
        Callee::Dispatcher => plan.selection.handlers.values().any(|(_, handler)| handler.wants_frame()),
    };
    let takes_thread =
        leaves || wants_frame || handler.is_none_or(|handler| handler.parameters.contains(&Parameter::Thread));
    let arguments = handler.map_or(6, Handler::arguments);

    // Without CSRs the kernel reads the place from the frame, which cannot be told from other loads.
    let in_memory = thread.is_in_memory();
    let needs_place = callee.asks_for_place || leaves || in_memory && callee.needs_stack;
    let mut changed = callee.clobbers;
    let place_by_t0 = needs_place && entry.link.is_none();
    for (condition, register) in
        [(callee.body.is_none(), Register::RA), (place_by_t0 || leaves, Register::T0), (takes_thread, A6)]
    {
        changed = if condition { changed.with(register) } else { changed };
    }
    let live = entry.live.intersection(callee::caller_saved());
    let mut restored = live.intersection(changed).without(Register::A0);
    // What is in the frame before the call, and what must be if the call does not return: the rest is still there then.
    let (mut saved, mut needed) = (restored, RegisterSet::EMPTY);
    if leaves {
        let again = again(entry, arguments);
        saved = saved.union(again.intersection(changed)).without(Register::A0);
        needed = live.union(again).without(Register::A0);
    }
    if wants_frame {
        saved = saved.union(live).without(Register::A0);
    }
    let turn = handler.and_then(|handler| handler.turn.as_ref()).filter(|_| leaves && !in_memory);
    if turn.is_some() {
        (restored, saved) = (RegisterSet::EMPTY, live.without(Register::A0));
    }
    let enters = callee.needs_stack || takes_thread || !saved.is_empty();
    let scratch = match entry.scratch {
        Some(scratch) => scratch,
        None if !in_memory => ZERO,
        None => return Err(fault("no register is free to find the running thread")),
    };
    let restored_global_pointer = plan.global_pointer.filter(|_| scratch == Register::GP);

    let mut code = StubCode::new(entry.stub.start());
    if let Jump::Far { temporary, replaced: replaced @ Before::Moved(..) } = entry.jump {
        // A call that is made again is one that has no link.
        code.moved(replaced.moved(), entry.link.is_none().then_some(temporary))?;
    }
    let call = code.next();
    if let Jump::Far { replaced: Before::Number(number), .. } = entry.jump
        && (live.contains(Register::A7) || entry.callee == Callee::Dispatcher)
    {
        // The jump stands where this was.
        code.number(Register::A7, number.0)?;
    }
    let wrong_number = match (entry.check, entry.callee) {
        (Some(temporary), Callee::Call(number)) => Some(code.unless_number(temporary, number.0)?),
        _ => None,
    };
    if enters {
        code.enter(thread, scratch)?;
        if let Some(global_pointer) = restored_global_pointer {
            code.address(Register::GP, global_pointer)?;
        }
    }
    code.save(saved)?;
    let (mut otherwise, mut returned) = (None, None);
    if let (Some(_), Callee::Call(number)) = (turn, entry.callee) {
        code.place_in_frame(entry.link, site.offset(4))?;
        code.jump(T1, T1, symbol(&turn_symbol(number))?)?;
    } else {
        if needs_place {
            code.place(thread, entry.link, site.offset(4))?;
        }
        if takes_thread {
            code.put(Op::Addi, A6, Register::SP, ZERO, 0)?;
        }
        match &callee.body {
            Some(body) => code.bytes.extend_from_slice(body),
            None => code.jump(Register::RA, Register::RA, target)?,
        }
        if leaves {
            code.put(Op::Ld, Register::T0, Register::SP, ZERO, LEAVE.into())?;
        }
        if leaves && in_memory {
            otherwise = Some(code.branch_unless_zero(Register::T0)?);
        } else if leaves {
            returned = Some(code.branch_if_zero(Register::T0)?);
            code.complete(needed.minus(saved), entry.callee)?;
            code.jump(T1, T1, symbol("zeroos_leave_otherwise")?)?;
        }
    }
    if leaves && !in_memory {
        code.load(live.minus(restored).with(Register::A0))?;
    }
    if let Some(branch) = returned {
        code.lands_here(branch)?;
    }
    code.load(restored)?;
    if enters {
        code.leave(thread)?;
    }
    let temporary = entry.jump.temporary().unwrap_or(ZERO);
    code.jump(ZERO, temporary, site.offset(4))?;
    let mut continuations = None;
    if in_memory && (leaves || wants_frame || plan.snapshot) {
        let behind = code.continuation(LAST, temporary, None, site.offset(4))?;
        let link = entry.link.map(|link| (link, site.offset(4)));
        let again = code.continuation(LAST, ZERO, link, call)?;
        continuations = Some([behind, again]);
    }
    if let Some(branch) = otherwise {
        code.lands_here(branch)?;
        code.complete(needed.minus(saved), entry.callee)?;
        if let Some([behind, _]) = continuations {
            code.address(T1, behind)?;
            code.put(Op::Sd, ZERO, Register::SP, T1, CONTINUATION)?;
        }
        code.far_jump(ZERO, T1, symbol("zeroos_leave_otherwise")?)?;
    }
    if let Some(branch) = wrong_number {
        code.lands_here(branch)?;
        code.enter(thread, scratch)?;
        code.place(thread, entry.link, site.offset(4))?;
        code.put(Op::Addi, Register::A0, Register::A7, ZERO, 0)?;
        code.far_jump(ZERO, T1, symbol(UNPREDICTED)?)?;
    }
    code.finish()?;
    if code.bytes.len() as u64 > entry.stub.size().0 {
        return Err(fault("it is larger than the room the plan gave it"));
    }
    // What the machine books: with a check, what the program says.
    let number = match (entry.callee, entry.jump) {
        (Callee::Call(number), _) if entry.check.is_none() => Some(number.0),
        (_, Jump::Far { replaced: Before::Number(number), .. }) => Some(number.0),
        _ => None,
    };
    Ok(Stub { site, start: entry.stub.start(), call, bytes: code.bytes, number, continuations })
}

/// What must be in the frame so that the call can be made again at its site: the arguments but a0, the number unless it is
/// known anyway, and the register by which the jump there goes on.
fn again(entry: &DirectEntry, arguments: usize) -> RegisterSet {
    let arguments = (11..10 + arguments as u8).map(Register::new).fold(RegisterSet::EMPTY, RegisterSet::with);
    let again = match entry.callee {
        Callee::Call(_) => arguments,
        Callee::Dispatcher => arguments.with(Register::A7),
    };
    match entry.jump {
        Jump::Near | Jump::Island { .. } => again,
        Jump::Far { temporary, .. } => again.with(temporary),
    }
}
