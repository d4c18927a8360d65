//! The plan: which fragments make the kernel, where everything lies in memory, and how each `ecall` enters the kernel.
//! Pure: decided from the program, its analysis, the platform and the committed inputs alone.

mod entries;
mod error;
mod inputs;
mod placement;
mod selection;
mod stub_rooms;

use entries::Circumstances;
pub use entries::{
    Callee, DirectEntry, EntryMode, EntryRequest, Jump, KEPT, TrapReason, UNPREDICTED, call_symbol, general_symbol,
    kept_symbol,
};
pub use error::PlanError;
pub use inputs::{CommittedInputs, GuestFile};
pub use placement::{KernelRoom, Placement};
pub use selection::{Missing, Selection};

use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::analysis::{Analysis, ProgramFeatures};
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
        check_isa(analysis, &platform)?;
        let mut extra = catalog.named_by(&platform.source);
        if inputs.output_fd.is_some() {
            extra.insert(Module::of(&["subsystems", "output_descriptor"]));
        }
        let selection = Selection::new(analysis, catalog, &request.enosys, &extra)?;
        if request.deny_missing && !selection.missing.is_empty() {
            return Err(PlanError::MissingFragments { missing: selection.missing.into_values().collect() });
        }
        if request.deny_unbounded && selection.unbounded {
            return Err(PlanError::unbounded(analysis));
        }
        let in_memory = !platform.has_trap_csrs();
        let stub_room = entries::stub_room(analysis, request.entry, in_memory);
        let mut placement = Placement::new(app, &platform, &inputs, stub_room)?;
        let circumstances = Circumstances { app, analysis, placement: &placement, selection: &selection, in_memory };
        let entries = circumstances.choose(request.entry);
        if platform.ecall == EcallBehaviour::HostCall {
            entries::require_direct(analysis, &entries, &format!("platform `{}`", platform.name))?;
        }
        if request.entry == EntryRequest::Direct {
            entries::require_direct(analysis, &entries, "--entry direct")?;
        }
        placement.keep_stub_areas(|area| {
            let mut stubs = entries.values().filter_map(|entry| match entry {
                EntryMode::Direct(entry) => Some(entry.stub),
                EntryMode::Trap(_) => None,
            });
            stubs.any(|stub| area.covers(stub))
        });
        let features = features(app, analysis);
        let global_pointer = analysis.global_pointer.map(|address| placement.placed(address));
        Ok(Plan {
            platform,
            selection,
            placement,
            entries,
            inputs,
            features,
            global_pointer,
            snapshot: request.snapshot,
        })
    }
}

impl Plan {
    /// The sites that have a stub, by their addresses in the image.
    pub fn direct_sites(&self) -> impl Iterator<Item = (Address, &DirectEntry)> {
        self.entries.iter().filter_map(|(&site, entry)| match entry {
            EntryMode::Direct(entry) => Some((self.placement.placed(site), entry)),
            EntryMode::Trap(_) => None,
        })
    }

    /// The sites that keep their trap, by their addresses in the file, with the reasons.
    pub fn trap_sites(&self) -> impl Iterator<Item = (Address, TrapReason)> {
        self.entries.iter().filter_map(|(&site, entry)| match entry {
            EntryMode::Trap(reason) => Some((site, *reason)),
            EntryMode::Direct(_) => None,
        })
    }
}

/// What the reachable code needs. A jump that could not be followed may lead to floating point where the calling convention
/// has floating-point registers: then its code is taken to use them.
fn features(app: &AppElf, analysis: &Analysis) -> ProgramFeatures {
    let mut features = analysis.features;
    if app.isa.float_abi != FloatAbi::Soft {
        features.float = features.float.or(analysis.unbounded_jumps.first().copied());
    }
    features
}

/// Refuses a program whose reachable code uses an extension that the machine lacks.
fn check_isa(analysis: &Analysis, platform: &Platform) -> Result<(), PlanError> {
    let ProgramFeatures { float, double, atomics, compressed } = analysis.features;
    let isa = &platform.isa;
    let extensions = [
        ('d', isa.double, double),
        ('f', isa.float, float),
        ('a', isa.atomics, atomics),
        ('c', isa.compressed, compressed),
    ];
    let lacking: Vec<(char, Address)> = extensions
        .into_iter()
        .filter(|&(_, has, _)| !has)
        .filter_map(|(extension, _, first)| Some((extension, first?)))
        .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(PlanError::Isa { platform: platform.name.clone(), isa: platform.isa.to_string(), lacking })
}
