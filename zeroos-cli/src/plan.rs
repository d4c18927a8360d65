//! The plan: which fragments make the kernel, where everything lies in memory, and how each `ecall` enters the kernel.
//! Pure: decided from the program, its analysis, the platform and the committed inputs alone.

mod allocator;
mod arguments;
mod entries;
mod error;
mod inputs;
mod islands;
mod jumps;
mod lowering;
mod obstacle;
mod page_table;
mod placement;
mod privilege;
mod selection;
mod stub_rooms;

pub use allocator::Allocator;
pub use arguments::Names;
use entries::Circumstances;
pub use entries::{
    Callee, DirectEntry, EntryMode, EntryRequest, KEPT, RESUME, TrapReason, UNPREDICTED, call_symbol, choose_symbol,
    general_symbol, kept_symbol, quick_symbol, turn_symbol,
};
pub use error::PlanError;
pub use inputs::{CommittedInputs, GuestFile};
pub use jumps::{Before, Jump};
pub use lowering::{Lowering, Lowerings, Replacement, Spill};
pub use obstacle::Obstacle;
pub use page_table::{CHUNK, PageTable};
pub use placement::{KernelRoom, Placement};
pub use privilege::Privilege;
pub use selection::{Missing, Selection};
use stub_rooms::StubRooms;

use std::collections::{BTreeMap, BTreeSet};

use crate::address::{Address, AddressRange};
use crate::analysis::{self, Analysis, CodeListing, ProgramFeatures};
use crate::catalog::{Catalog, Module};
use crate::elf::{AppElf, FloatAbi};
use crate::linux::SyscallNumber;
use crate::platform::{EcallBehaviour, Platform};

/// Everything that is decided before anything is generated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The machine.
    pub platform: Platform,
    /// The kernel's files and calls.
    pub selection: Selection,
    /// Where everything lies.
    pub placement: Placement,
    /// How each reachable `ecall` enters the kernel, by its link-time address.
    pub entries: BTreeMap<Address, EntryMode>,
    /// What stands in place of instructions that the machine lacks.
    pub lowerings: Lowerings,
    /// What nobody executes or reads of the program's text, in the image, if it was looked for: islands and stubs may lie there.
    pub unused_text: Vec<AddressRange>,
    /// The words of a static-PIE that change because its relocations are applied, by link-time address; none if it relocates
    /// itself.
    pub relocated: BTreeMap<Address, u64>,
    /// What the program is given at build time.
    pub inputs: CommittedInputs,
    /// What the program's code needs from the hart.
    pub features: ProgramFeatures,
    /// What gp holds at every call, in the image, if that is known.
    pub global_pointer: Option<Address>,
    /// Whether the image is to start where a snapshot was taken.
    pub snapshot: bool,
}

/// What the user asked for beside the inputs.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// `--entry`
    pub entry: EntryRequest,
    /// Calls declared to answer ENOSYS.
    pub enosys: BTreeSet<SyscallNumber>,
    /// `--deny-missing`: a reachable call without a fragment is an error.
    pub deny_missing: bool,
    /// `--snapshot`: the image starts at the first call that asks for something from outside.
    pub snapshot: bool,
    /// `--allocator`: by which rule mmap places.
    pub allocator: Allocator,
    /// `--check-access`: calls look up what each page allows.
    pub check_access: bool,
    /// `--deny-unbounded`: a reachable site with unknown numbers is an error.
    pub deny_unbounded: bool,
}

impl Plan {
    /// Decides everything.
    ///
    /// # Errors
    /// What cannot be planned: no room at the program's addresses, an ISA the machine lacks, or what a `--deny-…` forbids.
    pub fn new(
        app: &AppElf,
        analysis: &Analysis,
        platform: Platform,
        catalog: &Catalog,
        inputs: CommittedInputs,
        request: &PlanRequest,
    ) -> Result<Plan, PlanError> {
        inputs.check()?;
        let mut extra = catalog.named_by(&platform.source);
        if inputs.output_fd.is_some() {
            extra.insert(Module::of(&["subsystems", "output_descriptor"]));
        }
        let memory_files = Placement::memory_files(app, &platform, request.check_access);
        extra.extend(memory_files.iter().map(|file| Module::of(&["subsystems", file])));
        if !inputs.exports.is_empty() {
            extra.insert(Module::of(&["subsystems", "exports"]));
        }
        let mut selection =
            Selection::new(analysis, catalog, &request.enosys, &extra, inputs.and_names(Names::in_program(app)))?;
        request.allocator.put_into(&mut selection, catalog)?;
        if request.deny_missing && !selection.missing.is_empty() {
            return Err(PlanError::MissingFragments { missing: selection.missing.into_values().collect() });
        }
        if request.deny_unbounded && selection.unbounded {
            return Err(PlanError::unbounded(analysis));
        }
        let is_needed = lowering::is_needed(&analysis.features, &platform);
        let listing = if is_needed { analysis::list_instructions(app, analysis) } else { CodeListing::default() };
        let mut obstacles = lowering::obstacles(app, &listing, &platform);
        let in_memory = !platform.has_trap_csrs();
        let stub_room =
            entries::stub_room(analysis, request.entry, in_memory) + lowering::stub_room(&listing, &platform);
        let mut placement = match Placement::new(app, &platform, &inputs, stub_room) {
            Ok(placement) => placement,
            Err(error) if obstacles.is_empty() => return Err(error),
            Err(error) => {
                obstacles.extend(Vec::from(error));
                return Err(PlanError::obstacles(&platform, obstacles));
            }
        };
        let mut rooms = StubRooms::new(app, &placement, &platform);
        let circumstances = Circumstances { app, analysis, placement: &placement, selection: &selection, in_memory };
        let mut entries = circumstances.choose(request.entry, &mut rooms);
        let lowerings = lowering::choose(app, &listing, analysis.global_pointer, &platform, &placement, &mut rooms)
            .unwrap_or_else(|more| {
                obstacles.extend(more);
                Lowerings::default()
            });
        let find = || {
            let listed = if is_needed { &listing } else { &analysis::list_instructions(app, analysis) };
            islands::find(app, &placement, listed, &lowerings.unreached)
        };
        circumstances.choose_in_unused_text(&mut entries, find, &mut rooms);
        let unused_text = rooms.into_text();
        for (wanted, wanted_by) in [
            (platform.ecall == EcallBehaviour::HostCall, format!("platform `{}`", platform.name)),
            (request.entry == EntryRequest::Direct, "--entry direct".to_owned()),
        ] {
            match entries::require_direct(analysis, &entries, &wanted_by) {
                Err(error) if wanted && obstacles.is_empty() => return Err(error),
                Err(error) if wanted => obstacles.extend(Vec::from(error)),
                _ => {}
            }
        }
        if !obstacles.is_empty() {
            return Err(PlanError::obstacles(&platform, obstacles));
        }
        placement.keep_stub_areas(|area| {
            let direct = entries.values().filter_map(|entry| match entry {
                EntryMode::Direct(entry) => Some(entry.stub),
                EntryMode::Trap(_) => None,
            });
            let lowered = lowerings.sites.values().filter_map(|lowering| match &lowering.replacement {
                Replacement::Stub { stub, .. } => Some(*stub),
                Replacement::InPlace(_) => None,
            });
            direct.chain(lowered).any(|stub| area.covers(stub))
        });
        let features = features(app, analysis, &platform);
        let global_pointer = analysis.global_pointer.map(|address| placement.placed(address));
        let relocated = app.applied_relocations(|address| placement.placed(address));
        Ok(Plan {
            relocated,
            platform,
            selection,
            placement,
            entries,
            lowerings,
            unused_text,
            inputs,
            features,
            global_pointer,
            snapshot: request.snapshot,
        })
    }
}

impl Plan {
    /// In which mode program and kernel run.
    pub fn privilege(&self) -> Privilege {
        if self.placement.page_table.is_some() { Privilege::Supervisor } else { Privilege::Machine }
    }

    /// The sites that have a stub, by their addresses in the image.
    pub fn direct_sites(&self) -> impl Iterator<Item = (Address, &DirectEntry)> {
        self.entries.iter().filter_map(|(&site, entry)| match entry {
            EntryMode::Direct(entry) => Some((self.placement.placed(site), entry)),
            EntryMode::Trap(_) => None,
        })
    }

    /// What stands in place of instructions that the machine lacks, by their addresses in the image.
    pub fn lowered_sites(&self) -> impl Iterator<Item = (Address, &Lowering)> {
        self.lowerings.sites.iter().map(|(&site, lowering)| (self.placement.placed(site), lowering))
    }

    /// The ranges that nobody reaches and that were filled, in the image.
    pub fn unreached(&self) -> impl Iterator<Item = AddressRange> {
        let placed = |address| self.placement.placed(address);
        let ranges = self.lowerings.unreached.iter();
        ranges.filter_map(move |range| AddressRange::between(placed(range.start()), placed(range.end())))
    }

    /// Whether `range` of the image lies in what nobody executes or reads of the program's text.
    pub fn is_unused_text(&self, range: AddressRange) -> bool {
        self.unused_text.iter().any(|unused| unused.covers(range))
    }

    /// The sites that keep their trap, by their addresses in the file, with the reasons.
    pub fn trap_sites(&self) -> impl Iterator<Item = (Address, TrapReason)> {
        self.entries.iter().filter_map(|(&site, entry)| match entry {
            EntryMode::Trap(reason) => Some((site, *reason)),
            EntryMode::Direct(_) => None,
        })
    }
}

/// What the reachable code needs of `platform`. A jump that could not be followed may lead to floating point where the calling convention
/// has floating-point registers: then its code is taken to use them.
fn features(app: &AppElf, analysis: &Analysis, platform: &Platform) -> ProgramFeatures {
    let mut features = analysis.features;
    if app.isa.float_abi != FloatAbi::Soft {
        features.float = features.float.or(analysis.unbounded_jumps.first().copied());
    }
    if !platform.isa.float {
        // What was taken for floating point cannot run there.
        (features.float, features.double) = (None, None);
    }
    features
}
