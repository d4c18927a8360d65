//! How each `ecall` of the program enters the kernel: by a jump to a stub of its own wherever the instruction can be replaced
//! by one, else by a trap.
//!
//! A replaced `ecall` is the 4-byte jump `jal t, stub`: a dead temporary tells the stub where it was called, `j stub` if
//! there is none. Where no room for a stub is within the ±1 MiB that it reaches, what stands right before the `ecall` gives its
//! room as well: `auipc t, high` and `jr low(t)`, by a register that is dead there, temporaries first. If it is `li a7, N`, the stub knows the number;
//! other instructions that work on registers move into the stub. What is left goes over an island, or has its stub in the program's
//! text itself, where nobody executes or reads that (`islands.rs`).
//!
//! A stub serves the one call that the analysis found. Where it found more than a constant right before the `ecall`, the stub
//! compares a7 all the same, so that no mistake of the analysis can become another call than the program made.

use std::collections::BTreeMap;
use std::fmt;

use super::jumps::{Before, INSTRUCTION, Jump, NEAR, displacement};
use super::stub_rooms::StubRooms;
use super::{Placement, PlanError, Selection};
use crate::address::{Address, AddressRange};
use crate::analysis::{Analysis, Site};
use crate::elf::AppElf;
use crate::isa::{ControlFlow, Instruction, Op, Register, RegisterSet, decode, split_displacement};
use crate::linux::SyscallNumber;

/// What `--entry` asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EntryRequest {
    /// The cheapest that is sound at each site.
    #[default]
    Auto,
    /// A stub at every site, or an error.
    Direct,
    /// Traps only.
    Trap,
}

/// How one site enters the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryMode {
    /// The `ecall` stays and traps to mtvec.
    Trap(TrapReason),
    /// The `ecall` is replaced by a jump.
    Direct(DirectEntry),
}

/// Why a site keeps its trap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrapReason {
    /// `--entry trap`.
    Requested,
    /// A relocation changes the instruction as the program starts.
    Relocated,
    /// No room for a stub within reach of one instruction, and what stands before cannot move.
    FarWithoutRoomBefore,
    /// No room for a stub within reach of one instruction, and control enters the `ecall` from elsewhere.
    FarTarget,
    /// No room for a stub within reach of one instruction, and no register is free.
    FarWithoutRegister,
    /// No room for a stub anywhere.
    NoRoom,
    /// The machine has no CSRs, and no register is free to find the running thread.
    NoScratch,
    /// No path to it was seen: it may be no instruction at all.
    NotRecovered,
}

impl TrapReason {
    /// Whether it would have a stub if one were near.
    pub fn is_far(self) -> bool {
        matches!(self, TrapReason::FarWithoutRoomBefore | TrapReason::FarTarget | TrapReason::FarWithoutRegister)
    }
}

/// A site with a stub of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectEntry {
    /// How it gets to its stub.
    pub jump: Jump,
    /// The room of the stub, in the image.
    pub stub: AddressRange,
    /// Whom the stub calls.
    pub callee: Callee,
    /// Registers that may be read afterwards: they keep their values.
    pub live: RegisterSet,
    /// The register that holds the address behind the site when the stub begins.
    pub link: Option<Register>,
    /// A register that the stub may change, for machines without CSRs, where it takes one to find the running thread; gp, if
    /// that is [`Plan::global_pointer`](super::Plan), which the stub sets again.
    pub scratch: Option<Register>,
    /// Whether the stub must compare a7 with the number of its call, and by which dead register.
    pub check: Option<Register>,
}

/// Whom a stub calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Callee {
    /// The function of the only call that the site makes.
    Call(SyscallNumber),
    /// The dispatcher, by the number in a7.
    Dispatcher,
}

impl Callee {
    /// The symbol of the kernel's function.
    pub fn symbol(self) -> String {
        match self {
            Callee::Call(number) => call_symbol(number),
            Callee::Dispatcher => DISPATCHER.into(),
        }
    }
}

/// The symbol of the function that serves call `number` from its registers.
pub fn call_symbol(number: SyscallNumber) -> String {
    format!("zeroos_call_{}", number.0)
}

/// The symbol of the function behind [`call_symbol`]'s, where that one only does the most frequent case of call `number`.
pub fn general_symbol(number: SyscallNumber) -> String {
    format!("zeroos_general_{}", number.0)
}

/// The symbol of the way from the one to the other: all registers but a0 are kept.
pub fn kept_symbol(number: SyscallNumber) -> String {
    format!("{KEPT}{}", number.0)
}

/// The symbol of the way by which stubs make call `number`, where that mostly has another thread go on.
pub fn turn_symbol(number: SyscallNumber) -> String {
    format!("zeroos_turn_{}", number.0)
}

/// The symbol of the function that it asks who goes on.
pub fn choose_symbol(number: SyscallNumber) -> String {
    format!("zeroos_choose_{}", number.0)
}

/// The symbol of the function that is asked first for a call that makes a thread.
pub fn quick_symbol(number: SyscallNumber) -> String {
    format!("zeroos_quick_{}", number.0)
}

/// How [`kept_symbol`] begins.
pub const KEPT: &str = "zeroos_kept_";

/// The symbol of the function that serves the call in a7.
const DISPATCHER: &str = "zeroos_syscall";

/// The symbol of the function that ends the run when a stub met a number that was not predicted for it.
pub const UNPREDICTED: &str = "zeroos_unpredicted";

/// The symbol of the code by which an image goes on where a snapshot was taken.
pub const RESUME: &str = "zeroos_resume";

/// Room for the stub of `site`, in bytes: what its longest form takes, if its call can leave otherwise than by returning or not.
fn stub_size(site: &Site, leaves: bool, in_memory: bool) -> u64 {
    /// Comparing, entering, number, place, thread, call, returning, and a call that was not predicted; addresses too far for
    /// `auipc`.
    const FIXED: u64 = 24 + 9;
    /// Leaving otherwise: arguments kept for a call that is made again, number, way back, jump, second return.
    const LEAVING: u64 = 7 + 15 + 3;
    /// Without CSRs: finding the thread, by an address far away; the continuations and where they are.
    const IN_MEMORY: u64 = 9;
    const CONTINUING: u64 = 3 + 5 + 5;
    let live = site.live_after.len() as u64;
    let extra = if in_memory { 2 * IN_MEMORY + CONTINUING } else { 0 };
    4 * extra + 4 * if leaves { FIXED + LEAVING + 3 * live } else { FIXED + 2 * live }
}

/// Most instructions that a stub has before those of the call: two that moved there, and what has calls that are made again go
/// on behind them.
const MOST_MOVED: u64 = 3;

/// Room for all stubs, in bytes; 0 if there are none.
pub(super) fn stub_room(analysis: &Analysis, request: EntryRequest, in_memory: bool) -> u64 {
    match request {
        EntryRequest::Trap => 0,
        EntryRequest::Auto | EntryRequest::Direct => {
            let sites = analysis.sites.iter().filter(|site| site.reachable);
            sites.map(|site| stub_size(site, true, in_memory) + 4 * MOST_MOVED).sum()
        }
    }
}

/// What is chosen from.
pub(super) struct Circumstances<'a> {
    pub app: &'a AppElf,
    pub analysis: &'a Analysis,
    pub placement: &'a Placement,
    pub selection: &'a Selection,
    /// Whether stubs find the running thread in memory, for want of CSRs.
    pub in_memory: bool,
}

/// What is chosen of a stub before its place.
pub(super) struct DirectCall {
    pub callee: Callee,
    pub check: Option<Register>,
    /// Temporaries that are dead, beside that one.
    pub temporaries: RegisterSet,
    /// Others that nobody looks for, nor the call itself: those of arguments that it does not take, and those that callees keep.
    pub others: RegisterSet,
    pub leaves: bool,
    /// Room for the stub, in bytes.
    pub size: u64,
}

impl DirectCall {
    /// Registers by which the jump may go far, those first that are made for it.
    pub fn dead(&self) -> impl Iterator<Item = Register> {
        self.temporaries.iter().chain(self.others.iter())
    }
}

impl Circumstances<'_> {
    /// Chooses for every reachable site.
    pub fn choose(&self, request: EntryRequest, rooms: &mut StubRooms) -> BTreeMap<Address, EntryMode> {
        let reachable = self.analysis.sites.iter().filter(|site| site.reachable);
        let entries = reachable.map(|site| {
            let entry = match request {
                EntryRequest::Trap => Err(TrapReason::Requested),
                EntryRequest::Auto | EntryRequest::Direct => self.direct(site, rooms),
            };
            (site.address, entry.map_or_else(EntryMode::Trap, EntryMode::Direct))
        });
        entries.collect()
    }

    /// Whether the file has executable sections, and none at `address`: what was taken for code there may be a constant.
    fn is_data_by_sections(&self, address: Address) -> bool {
        let mut code = self.app.sections.iter().filter(|section| section.executable).peekable();
        code.peek().is_some() && code.all(|section| !section.range.contains(address))
    }

    /// Whom the stub of `site` would call, and what it can use.
    pub(super) fn call(&self, site: &Site) -> Result<DirectCall, TrapReason> {
        if self.is_relocated(site.address.0, site) {
            return Err(TrapReason::Relocated);
        }
        if site.chain.is_empty() || self.is_data_by_sections(site.address) {
            return Err(TrapReason::NotRecovered);
        }
        let mut temporaries = site.dead_temporaries;
        let number = match site.evidence.numbers() {
            Some(numbers) if numbers.len() == 1 => numbers.first().copied(),
            _ => None,
        };
        let number = number.filter(|number| self.selection.handlers.contains_key(number));
        let is_certain = number.is_some_and(|number| is_set_in_line(self.app, site, number));
        let check = if number.is_some() && !is_certain { temporaries.iter().next() } else { None };
        if let Some(check) = check {
            temporaries = temporaries.without(check);
        }
        let callee = match number {
            Some(number) if is_certain || check.is_some() => Callee::Call(number),
            _ => Callee::Dispatcher,
        };
        let leaves = self.selection.may_leave(callee);
        let size = stub_size(site, leaves, self.in_memory);
        // a0 brings the result.
        let unread = (10 + arguments(callee, self.selection).max(1)..=15).map(|number| Register::new(number as u8));
        let unread = unread.fold(RegisterSet::EMPTY, RegisterSet::with).minus(site.live_after);
        Ok(DirectCall { callee, check, temporaries, others: site.dead_kept.union(unread), leaves, size })
    }

    /// Whether a relocation changes something from `start` up to the end of `site`.
    fn is_relocated(&self, start: u64, site: &Site) -> bool {
        let touches = |target: u64| target < site.address.0 + 4 && start < target.saturating_add(8);
        self.app.relocations.iter().any(|relocation| touches(relocation.target.0))
    }

    /// A stub for `site`.
    pub(super) fn direct(&self, site: &Site, rooms: &mut StubRooms) -> Result<DirectEntry, TrapReason> {
        let call = self.call(site)?;
        let (placed, live) = (self.placement.placed(site.address), site.live_after);
        if let Some(stub) = rooms.take(call.size, |stub| displacement(placed, stub).abs() < NEAR) {
            return self.near(site, &call, stub);
        }
        let DirectCall { callee, check, leaves, size, .. } = call;
        if site.branch_target {
            return Err(TrapReason::FarTarget);
        }
        let replaced = match number_set_before(self.app, site) {
            Some(number) => Before::Number(number),
            None => movable(&site.before).ok_or(TrapReason::FarWithoutRoomBefore)?,
        };
        let effects = replaced.moved().map(|instruction| instruction.effects());
        let used = effects.fold(RegisterSet::EMPTY, |used, effects| used.union(effects.uses).union(effects.defines));
        let temporary = call.dead().find(|&one| !used.contains(one)).ok_or(TrapReason::FarWithoutRegister)?;
        if self.is_relocated(site.address.0.wrapping_sub(4), site) {
            return Err(TrapReason::Relocated);
        }
        let size = size + 4 * MOST_MOVED;
        let stub = rooms.take(size, |stub| split_displacement(displacement(placed, stub)).is_some());
        let stub = stub.ok_or(TrapReason::NoRoom)?;
        // A call that is made again at its site needs what `auipc` left in the temporary.
        let link = (!leaves && !self.in_memory).then_some(temporary);
        // What `auipc` left in the temporary is of no use in the stub.
        let scratch = self.in_memory.then_some(temporary);
        Ok(DirectEntry { jump: Jump::Far { temporary, replaced }, stub, callee, live, link, scratch, check })
    }

    /// The stub that makes `call` for `site`, at `stub`, which is within 1 MiB.
    pub(super) fn near(&self, site: &Site, call: &DirectCall, stub: AddressRange) -> Result<DirectEntry, TrapReason> {
        let &DirectCall { callee, check, temporaries, .. } = call;
        let mut link = temporaries.iter().next();
        let mut scratch = check.filter(|_| self.in_memory);
        if self.in_memory && scratch.is_none() {
            let known = self.analysis.global_pointer.map(|_| Register::GP);
            scratch = self::scratch(site, callee, self.selection, link).or_else(|| link.take()).or(known);
            if scratch.is_none() {
                return Err(TrapReason::NoScratch);
            }
        }
        Ok(DirectEntry { jump: Jump::Near, stub, callee, live: site.live_after, link, scratch, check })
    }
}

/// In how many registers from a0 on `callee` takes arguments.
fn arguments(callee: Callee, selection: &Selection) -> usize {
    match callee {
        Callee::Call(number) => selection.handlers.get(&number).map_or(6, |(_, handler)| handler.arguments()),
        Callee::Dispatcher => 6,
    }
}

/// A register beside `link` that nothing reads behind `site`, nor the call itself.
fn scratch(site: &Site, callee: Callee, selection: &Selection, link: Option<Register>) -> Option<Register> {
    let arguments = arguments(callee, selection);
    let is_read = |register: Register| {
        let number = usize::from(register.number());
        let is_argument = (10..10 + arguments).contains(&number) || number == 17 && callee == Callee::Dispatcher;
        is_argument || site.live_after.contains(register) || link == Some(register)
    };
    // Caller-saved ones first: what a callee need not keep is seldom read later.
    let temporaries = [5, 6, 7, 28, 29, 30, 31, 17, 16, 15, 14, 13, 12, 11, 1];
    temporaries.into_iter().map(Register::new).chain(site.dead_kept.iter()).find(|&one| !is_read(one))
}

/// Whether `li a7, number` stands before the `ecall` and nothing but instructions that go on to the next one, and leave a7
/// alone, between them.
fn is_set_in_line(app: &AppElf, site: &Site, number: SyscallNumber) -> bool {
    let Some(&origin) = site.origins.get(&number).filter(|origins| origins.len() == 1).and_then(|set| set.first())
    else {
        return false;
    };
    let Some(segment) = app.segments.iter().find(|segment| segment.range.contains(origin)) else { return false };
    let bytes = app.segment_bytes(segment);
    let mut at = origin;
    while !site.branch_target && at < site.address {
        let offset = (at - segment.range.start()).0 as usize;
        let Some(instruction) = bytes.get(offset..).and_then(decode) else { return false };
        let is_fine = if at == origin {
            loads_number(&instruction) == Some(number)
        } else {
            instruction.flow() == ControlFlow::Next && !instruction.effects().defines.contains(Register::A7)
        };
        if !is_fine {
            return false;
        }
        at = at.offset(instruction.length.into());
    }
    at == site.address
}

/// `number`, if `instruction` is `li a7, number`.
fn loads_number(instruction: &Instruction) -> Option<SyscallNumber> {
    let loads = instruction.op == Op::Addi && instruction.rd() == Register::A7 && instruction.rs1() == Register::ZERO;
    u64::try_from(instruction.immediate).ok().filter(|_| loads).map(SyscallNumber)
}

/// The number that the 4-byte instruction right before `site` loads into a7: one that the analysis found to be the origin of
/// the number, so it is known to be an instruction.
fn number_set_before(app: &AppElf, site: &Site) -> Option<SyscallNumber> {
    let before = site.address.offset(-INSTRUCTION);
    let segment = app.segments.iter().find(|segment| segment.range.contains(before))?;
    let offset = (before - segment.range.start()).0 as usize;
    let instruction = decode(app.segment_bytes(segment).get(offset..offset + 4)?)?;
    let number = loads_number(&instruction)?;
    let origins = site.origins.get(&number)?;
    let is_origin = site.origins.len() == 1 && origins.len() == 1 && origins.contains(&before);
    (instruction.length == 4 && is_origin).then_some(number)
}

/// `before` as what a stub can begin with: four bytes of instructions that work on registers, or load from the stack: each does the
/// same wherever it stands. A load that faults, since sp is no stack, is told with the stub's address.
fn movable(before: &[Instruction]) -> Option<Before> {
    let can_move = |instruction: &Instruction| {
        let op = instruction.op;
        let is_arithmetic = op == Op::Lui || (Op::Addi..Op::Fence).contains(&op);
        let is_load = (Op::Lb..=Op::Lwu).contains(&op) && instruction.rs1() == Register::SP;
        (is_arithmetic || is_load) && instruction.encode().is_some()
    };
    match before {
        _ if !before.iter().all(can_move) => None,
        [one] if one.length == 4 => Some(Before::Moved(*one, None)),
        [first, second] => Some(Before::Moved(*first, Some(*second))),
        _ => None,
    }
}

/// The error of a site that must not trap, if there is one.
pub(super) fn require_direct(
    analysis: &Analysis,
    entries: &BTreeMap<Address, EntryMode>,
    wanted_by: &str,
) -> Result<(), PlanError> {
    let mut trapping = entries.iter().filter_map(|(&address, entry)| match entry {
        EntryMode::Trap(reason) => Some((address, *reason)),
        EntryMode::Direct(_) => None,
    });
    let Some((address, reason)) = trapping.next() else { return Ok(()) };
    let site = analysis.sites.iter().find(|site| site.address == address);
    let function = site.map_or_else(String::new, |site| site.function_name.clone());
    let others = trapping.count();
    Err(PlanError::NotDirect { wanted_by: wanted_by.to_owned(), address, function, reason, others })
}

impl fmt::Display for TrapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrapReason::Requested => "`--entry trap` was asked for",
            TrapReason::Relocated => "a relocation changes the instruction as the program starts",
            TrapReason::FarWithoutRoomBefore => {
                "no room for a stub within 1 MiB, and what stands before cannot move into one that is further away"
            }
            TrapReason::FarTarget => "no room for a stub within 1 MiB, and control enters it from elsewhere",
            TrapReason::FarWithoutRegister => "no room for a stub within 1 MiB, and no register is free",
            TrapReason::NoRoom => "no room for a stub within 2 GiB",
            TrapReason::NoScratch => "without CSRs, a register is needed that is not read afterwards",
            TrapReason::NotRecovered => {
                "no path to it was seen, or no code lies there by the section headers: it may be no instruction"
            }
        })
    }
}
