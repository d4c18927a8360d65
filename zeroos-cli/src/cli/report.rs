//! `zeroos build --report FILE`: how each site enters the kernel, where its stub is, and what stands for instructions that the
//! machine lacks.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::address::{Address, AddressRange};
use crate::image::{ImageNote, KernelParts};
use crate::pipeline::{Built, Examined};
use crate::plan::{Before, EntryMode, Jump, Plan, Replacement};

/// The format of the report.
const SCHEMA: &str = "zeroos.report/1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    platform: &'a str,
    kernel_bytes: u64,
    kernel_parts: KernelParts,
    direct: usize,
    trap: usize,
    sites: Vec<SiteReport<'a>>,
    /// What stands for instructions that the machine lacks, by kind; absent if nothing does.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    lowered: BTreeMap<&'static str, LoweringReport>,
    /// Words of a static-PIE that changed because its relocations are applied in the image; 0 if it relocates itself.
    #[serde(skip_serializing_if = "is_zero")]
    relocated_words: u64,
    /// Bytes that nobody reaches and that were replaced because the machine's loader decodes them.
    #[serde(skip_serializing_if = "is_zero")]
    filled_bytes: u64,
}

/// All replaced instructions of one kind.
#[derive(Serialize, Default)]
struct LoweringReport {
    /// How many there are.
    sites: usize,
    /// How many have other instructions in their place, at no cost; the rest jump to stubs.
    in_place: usize,
    /// How many instructions more than before one of them takes at most, each time it is executed.
    extra_instructions: usize,
    places: Vec<LoweredSite>,
}

#[derive(Serialize)]
struct LoweredSite {
    /// In the file.
    address: Address,
    /// In the image.
    placed: Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    stub: Option<Address>,
    /// Whether the stub lies in the program's text, where nobody executes or reads that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_unused_text: bool,
    extra_instructions: usize,
}

/// One reachable `ecall`.
#[derive(Serialize)]
struct SiteReport<'a> {
    /// In the file.
    address: Address,
    /// In the image.
    placed: Address,
    function: &'a str,
    /// `direct` or `trap`.
    entry: &'static str,
    /// How it gets to its stub; absent for a trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    jump: Option<&'static str>,
    /// The replaced bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<Replaced>,
    /// The bytes that were replaced elsewhere on the way to the stub, where nobody executes or reads them.
    #[serde(skip_serializing_if = "Option::is_none")]
    island: Option<Replaced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stub: Option<Address>,
    /// Whether the stub lies in the program's text, where nobody executes or reads that.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_unused_text: bool,
    /// The kernel's function that the stub calls.
    #[serde(skip_serializing_if = "Option::is_none")]
    callee: Option<String>,
    /// Whether the stub compares a7 with the number of that call.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    compares: bool,
    /// Registers that keep their values because they may be read afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    live: Option<Vec<String>>,
    /// Why a site keeps its trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Replaced {
    /// In the image.
    start: Address,
    size_bytes: u64,
}

impl Replaced {
    fn new(range: AddressRange) -> Replaced {
        Replaced { start: range.start(), size_bytes: range.size().0 }
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What was lowered, by the instruction's name.
fn lowered(plan: &Plan) -> BTreeMap<&'static str, LoweringReport> {
    let mut kinds: BTreeMap<&'static str, LoweringReport> = BTreeMap::new();
    for (&address, lowering) in &plan.lowerings.sites {
        let kind = kinds.entry(lowering.instruction.op.mnemonic()).or_default();
        let stub = match &lowering.replacement {
            Replacement::InPlace(_) => None,
            Replacement::Stub { stub, .. } => Some(*stub),
        };
        let extra_instructions = lowering.extra_instructions();
        kind.sites += 1;
        kind.in_place += usize::from(stub.is_none());
        kind.extra_instructions = kind.extra_instructions.max(extra_instructions);
        let placed = plan.placement.placed(address);
        let in_unused_text = stub.is_some_and(|stub| plan.is_unused_text(stub));
        let stub = stub.map(AddressRange::start);
        kind.places.push(LoweredSite { address, placed, stub, in_unused_text, extra_instructions });
    }
    kinds
}

/// The report as JSON.
pub(super) fn json(examined: &Examined, built: &Built, note: &ImageNote) -> Result<String, serde_json::Error> {
    let plan = &built.plan;
    let sites = examined.analysis.sites.iter().filter_map(|site| {
        let placed = plan.placement.placed(site.address);
        let trap = SiteReport {
            address: site.address,
            placed,
            function: &site.function_name,
            entry: "trap",
            jump: None,
            replaced: None,
            island: None,
            stub: None,
            in_unused_text: false,
            callee: None,
            compares: false,
            live: None,
            reason: None,
        };
        Some(match plan.entries.get(&site.address)? {
            EntryMode::Trap(reason) => SiteReport { reason: Some(reason.to_string()), ..trap },
            EntryMode::Direct(entry) => SiteReport {
                entry: "direct",
                jump: Some(match entry.jump {
                    Jump::Near => "near",
                    Jump::Far { replaced: Before::Number(_), .. } => "with the number before it",
                    Jump::Far { replaced: Before::Moved(..), .. } => "with what stood before it",
                    Jump::Island { .. } => "over an island",
                }),
                replaced: entry.jump.at_site(placed).map(Replaced::new),
                island: entry.jump.island().map(Replaced::new),
                stub: Some(entry.stub.start()),
                in_unused_text: plan.is_unused_text(entry.stub),
                callee: Some(entry.callee.symbol()),
                compares: entry.check.is_some(),
                live: Some(entry.live.iter().map(|register| register.to_string()).collect()),
                ..trap
            },
        })
    });
    let report = Report {
        schema: SCHEMA,
        platform: &plan.platform.name,
        kernel_bytes: note.kernel_parts.total(),
        kernel_parts: note.kernel_parts,
        direct: plan.direct_sites().count(),
        trap: plan.trap_sites().count(),
        sites: sites.collect(),
        lowered: lowered(plan),
        relocated_words: plan.relocated.len() as u64,
        filled_bytes: plan.lowerings.unreached.iter().map(|range| range.size().0).sum(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
