//! Reachable instructions that the platform's machine lacks, and what stands in their place: another instruction where one
//! will do, else a jump to a stub of plain instructions. What cannot be replaced is an [`Obstacle`].
//!
//! * `lr` becomes a load and `sc` a store. Threads change only inside calls, so an `sc` that every path reaches from its
//!   `lr` without a call never fails; one that may is not replaced. Where the branch that would try again is right behind
//!   the `sc`, it becomes `li rd, 0`, and no stub is needed.
//! * `amo…` becomes load, operation and store, in a stub with registers that are dead there.
//! * `fence` becomes `nop`: one hart sees its own accesses in order (ISA manual, "Memory Ordering Instructions").
//! * What nobody reaches becomes `ebreak` where the machine's loader decodes all text.
//!
//! Stubs that find no room near lie in the program's text, where nobody executes or reads that (`islands.rs`).

mod plain;
mod replacement;
mod unreached;

use std::collections::BTreeMap;

use super::stub_rooms::StubRooms;
use super::{Obstacle, Placement, islands, obstacle};
use crate::address::{Address, AddressRange};
use crate::analysis::{AtomicSite, CodeListing, Mention, ProgramFeatures};
use crate::elf::AppElf;
use crate::isa::{Extension, Instruction, Op, Register, split_displacement};
use crate::platform::Platform;

const ZERO: Register = Register::ZERO;
/// Instructions in a stub at most, with the jump back.
const LONGEST: u64 = 12;
/// How far `jal` reaches, bytes; a little less, so that both ways fit.
const NEAR: u64 = (1 << 20) - 4096;
/// Why an instruction has no stub: space in the program's text may serve it.
const NO_ROOM: &str = "for want of room for a stub within 1 MiB";
/// How far `auipc` and an offset reach, bytes; a little less.
const FAR: u64 = (1 << 31) - 4096;

/// What is put in place of instructions that the machine lacks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lowerings {
    /// By the file's address.
    pub sites: BTreeMap<Address, Lowering>,
    /// Words that nobody reaches, in the file's addresses: `ebreak` stands there.
    pub unreached: Vec<AddressRange>,
}

/// One replaced instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lowering {
    /// What stood there.
    pub instruction: Instruction,
    /// What does.
    pub replacement: Replacement,
}

/// What stands in place of an instruction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Replacement {
    /// Other instructions: the second in place of the branch behind the first.
    InPlace(Vec<Instruction>),
    /// A jump to these instructions and back.
    Stub {
        /// Where they are, in the image.
        stub: AddressRange,
        /// Without the jump back; it begins with the instruction before the site if the jump takes that one's place, too.
        body: Vec<Instruction>,
        /// The register of a jump that is two instructions, there and back.
        by: Option<Register>,
        /// What must be kept in memory meanwhile, because the body uses a register that is not free.
        spill: Option<Spill>,
        /// What gp must hold again at the end, because it was used although it is not free.
        global_pointer: Option<Address>,
    },
}

/// A register that a stub uses and gives back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spill {
    /// Kept in the kernel's memory.
    pub register: Register,
    /// Leads there, before the body.
    pub by: Register,
}

impl Lowering {
    /// The replacing instructions with the address of the first, for a site at `site` in the image; `None` if its stub is out
    /// of reach.
    pub fn at_site(&self, site: Address) -> Option<(Address, Vec<Instruction>)> {
        match &self.replacement {
            Replacement::InPlace(instructions) => Some((site, instructions.clone())),
            Replacement::Stub { stub, by: None, .. } => Some((site, jump(site, None, stub.start())?)),
            Replacement::Stub { stub, by, .. } => {
                let start = site.offset(-4);
                Some((start, jump(start, *by, stub.start())?))
            }
        }
    }

    /// The instructions of its stub with the jump back, for one that is at `site` in the image; `word` is where the kernel has
    /// room for a register that is kept meanwhile.
    pub fn in_stub(&self, site: Address, word: Address) -> Option<Vec<Instruction>> {
        let Replacement::Stub { stub, body, by, spill, global_pointer } = &self.replacement else { return None };
        let next = |code: &[Instruction]| stub.start().offset(4 * code.len() as i64);
        let mut code = Vec::new();
        if let Some(Spill { register, by }) = *spill {
            let (high, low) = split_displacement(word.0.wrapping_sub(next(&code).0).cast_signed())?;
            code.push(Instruction::new(Op::Auipc, by, ZERO, ZERO, high));
            code.push(Instruction::new(Op::Sd, ZERO, by, register, low));
        }
        code.extend(body);
        if let Some(Spill { register, .. }) = *spill {
            let (high, low) = split_displacement(word.0.wrapping_sub(next(&code).0).cast_signed())?;
            code.push(Instruction::new(Op::Auipc, register, ZERO, ZERO, high));
            code.push(Instruction::new(Op::Ld, register, register, ZERO, low));
        }
        if let Some(value) = global_pointer {
            let (high, low) = split_displacement(value.0.wrapping_sub(next(&code).0).cast_signed())?;
            code.push(Instruction::new(Op::Auipc, Register::GP, ZERO, ZERO, high));
            code.push(Instruction::new(Op::Addi, Register::GP, Register::GP, ZERO, low));
        }
        code.extend(jump(next(&code), *by, site.offset(4))?);
        Some(code)
    }

    /// How many instructions more than one it takes at most.
    pub fn extra_instructions(&self) -> usize {
        match &self.replacement {
            // The second stands for the branch.
            Replacement::InPlace(_) => 0,
            // The instruction before it is executed anyway.
            Replacement::Stub { body, by: Some(_), .. } => body.len() + 2,
            Replacement::Stub { body, spill, global_pointer, .. } => {
                body.len() + 1 + extra(spill.as_ref(), global_pointer.as_ref())
            }
        }
    }
}

/// Instructions of a stub for what it keeps meanwhile.
fn extra(spill: Option<&Spill>, global_pointer: Option<&Address>) -> usize {
    4 * usize::from(spill.is_some()) + 2 * usize::from(global_pointer.is_some())
}

/// A jump to `to` at `from`: one instruction, or two `by` a register.
fn jump(from: Address, by: Option<Register>, to: Address) -> Option<Vec<Instruction>> {
    let displacement = to.0.wrapping_sub(from.0).cast_signed();
    let Some(by) = by else {
        let jump = Instruction::new(Op::Jal, ZERO, ZERO, ZERO, i32::try_from(displacement).ok()?);
        return jump.encode().map(|_| vec![jump]);
    };
    let (high, low) = split_displacement(displacement)?;
    Some(vec![Instruction::new(Op::Auipc, by, ZERO, ZERO, high), Instruction::new(Op::Jalr, ZERO, by, ZERO, low)])
}

/// Whether `features` hold anything that the machine may lack: then the instructions must be listed.
pub(super) fn is_needed(features: &ProgramFeatures, platform: &Platform) -> bool {
    let isa = &platform.isa;
    let has_bits = isa.zba && isa.zbb && isa.zbs;
    let lacks = [
        (isa.atomics, features.atomics),
        (isa.float, features.float),
        (isa.double, features.double),
        (isa.compressed, features.compressed),
        (has_bits, features.bit_manipulation),
        (platform.csrs.is_none(), features.counters),
    ];
    // Fences are no feature: programs without A that have some are rare, and so are machines without A.
    lacks.iter().any(|&(has, first)| !has && first.is_some()) || !isa.atomics || platform.loader.decodable_text
}

/// Room for stubs, bytes.
pub(super) fn stub_room(listing: &CodeListing, platform: &Platform) -> u64 {
    if platform.isa.atomics { 0 } else { 4 * LONGEST * listing.atomics.len() as u64 }
}

/// What keeps the program from the machine whatever is replaced.
pub(super) fn obstacles(app: &AppElf, listing: &CodeListing, platform: &Platform) -> Vec<Obstacle> {
    let isa = &platform.isa;
    // What the file says that it does without can only come from bytes that were taken for code where control might have
    // gone: if it ever got there, the machine would stop it.
    let denied = |extension: Extension| matches!(extension, Extension::F | Extension::D) && denies(app, extension);
    let lacking = |extension: &Extension| *extension != Extension::A && !isa.has(*extension) && !denied(*extension);
    let mut found: Vec<Obstacle> = listing
        .extensions
        .iter()
        .filter(|(extension, _)| lacking(extension))
        .map(|(&extension, (count, first))| {
            let what = format!(
                "{} of {extension}: {}",
                obstacle::count(*count, "instructions"),
                obstacle::places(*count, first)
            );
            Obstacle::new(what, rebuild_without(extension))
        })
        .collect();
    let has_csr = |csr: u16| platform.csrs.as_ref().is_none_or(|csrs| csrs.contains(&csr));
    let counters: Vec<Mention> =
        listing.counters.iter().filter(|mention| !has_csr(mention.instruction.csr())).cloned().collect();
    if !counters.is_empty() {
        found.push(Obstacle::new(
            format!(
                "{} of counters that it lacks: {}",
                obstacle::count(counters.len(), "reads"),
                obstacle::places(counters.len(), &counters)
            ),
            "ask the kernel for the time instead of the machine's counters (`clock_gettime`)",
        ));
    }
    if !isa.atomics && !listing.instruction_fences.is_empty() {
        let fences = &listing.instruction_fences;
        found.push(Obstacle::new(
            format!("it writes code as it runs: {}", obstacle::places(fences.len(), fences)),
            "build the program without its just-in-time compiler",
        ));
    }
    if let Some(why) = listing.lost.as_ref().filter(|_| !isa.atomics) {
        found.push(Obstacle::new(
            format!("its atomic instructions cannot all be found, for want of knowing where control goes: {why}"),
            "keep the symbols and relocations of the program (no `strip`), or choose a platform that has A",
        ));
    }
    if !isa.atomics {
        let failing: Vec<&AtomicSite> = listing.atomics.iter().filter(|site| site.may_fail.is_some()).collect();
        if let Some((site, why)) = failing.first().and_then(|site| Some((&site.mention, site.may_fail.as_ref()?))) {
            let others = failing.len() - 1;
            let others = if others == 0 { String::new() } else { format!(" (and {others} more)") };
            found.push(Obstacle::new(
                format!(
                    "without A, an `sc` must surely find its reservation, but `{}` at {} in {} may not: {why}{others}",
                    site.instruction, site.address, site.function_name
                ),
                "use the compiler's atomic operations instead of `lr` and `sc` far apart",
            ));
        }
    }
    found
}

/// Whether the file's attributes list extensions, and `extension` is none of them.
fn denies(app: &AppElf, extension: Extension) -> bool {
    let wanted = extension.to_string().to_lowercase();
    // `rv64i2p1_m2p0_…`: names with versions (psABI, "Attributes").
    let is_wanted =
        |part: &str| part.strip_prefix(&wanted).is_some_and(|version| version.starts_with(char::is_numeric));
    app.isa.attribute.as_ref().is_some_and(|listed| !listed.split('_').any(is_wanted))
}

fn rebuild_without(extension: Extension) -> &'static str {
    match extension {
        Extension::A => "rebuild the program and its libraries without A",
        Extension::C | Extension::F | Extension::D => {
            "rebuild the program and its libraries for rv64ima, lp64. C: `-march=rv64ima -mabi=lp64`, with a libc built so. \
             Rust: `-Z build-std` and a target with `\"features\": \"+m,+a\"`, `\"llvm-abiname\": \"lp64\"` \
             (`-C target-feature=-c` alone leaves the standard library as it is). Go always uses F and D"
        }
        Extension::Zba | Extension::Zbb | Extension::Zbs => {
            "rebuild without bit manipulation: leave it out of `-march` or `-C target-feature`, and choose no newer `-C target-cpu`"
        }
    }
}

/// Chooses what stands in place of each instruction that the machine lacks. `global_pointer` is what gp holds everywhere, if it
/// is one value.
///
/// # Errors
/// What cannot be replaced.
pub(super) fn choose(
    app: &AppElf,
    listing: &CodeListing,
    global_pointer: Option<Address>,
    platform: &Platform,
    placement: &Placement,
    rooms: &mut StubRooms,
) -> Result<Lowerings, Vec<Obstacle>> {
    let mut lowerings = Lowerings::default();
    let mut obstacles = Vec::new();
    if platform.loader.decodable_text {
        match unreached::find(app, listing, &platform.isa) {
            Ok(ranges) => lowerings.unreached = ranges,
            Err(obstacle) => obstacles.push(obstacle),
        }
    }
    if !platform.isa.atomics {
        let nop = Instruction::new(Op::Addi, ZERO, ZERO, ZERO, 0);
        let fence = Instruction::new(Op::Fence, ZERO, ZERO, ZERO, 0);
        let nop = Lowering { instruction: fence, replacement: Replacement::InPlace(vec![nop]) };
        lowerings.sites.extend(listing.fences.iter().map(|&at| (at, nop.clone())));
        let Lowerings { sites, unreached } = &mut lowerings;
        let mut remains = |site: &AtomicSite, why: &mut &'static str, rooms: &mut StubRooms| {
            let instruction = site.mention.instruction;
            let replacement = replacement::choose(app, site, placement, global_pointer, rooms);
            let chosen = replacement.map_err(|reason| *why = reason).ok();
            let lowering = chosen.map(|replacement| Lowering { instruction, replacement });
            lowering.map(|lowering| sites.insert(site.mention.address, lowering)).is_none()
        };
        let mut failed: Vec<(&AtomicSite, &'static str)> = listing.atomics.iter().map(|site| (site, "")).collect();
        failed.retain_mut(|(site, why)| remains(site, why, rooms));
        if failed.iter().any(|&(_, why)| why == NO_ROOM) {
            rooms.open_text(|| islands::find(app, placement, listing, unreached));
            failed.retain_mut(|(site, why)| remains(site, why, rooms));
        }
        if let Some(&(_, why)) = failed.first() {
            let places: Vec<Mention> = failed.iter().map(|(site, _)| site.mention.clone()).collect();
            obstacles.push(Obstacle::new(
                format!(
                    "{} of A cannot be replaced, {why}: {}",
                    obstacle::count(places.len(), "instructions"),
                    obstacle::places(places.len(), &places)
                ),
                "choose a platform that has A (`zeroos platforms`), or rebuild at another optimisation level: `-Os` \
                 (`opt-level = \"s\"`) keeps code nearer to room for stubs, and fewer registers in use",
            ));
        }
    }
    if obstacles.is_empty() { Ok(lowerings) } else { Err(obstacles) }
}
