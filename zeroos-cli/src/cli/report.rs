//! `zeroos build --report FILE`: how each site enters the kernel, and where its stub is.

use serde::Serialize;

use crate::address::Address;
use crate::image::ImageNote;
use crate::pipeline::{Built, Examined};
use crate::plan::{EntryMode, Jump};

/// The format of the report.
const SCHEMA: &str = "zeroos.report/1";

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    platform: &'a str,
    kernel_bytes: u64,
    direct: usize,
    trap: usize,
    sites: Vec<SiteReport<'a>>,
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
    /// The replaced bytes: from here, `replaced_bytes` of them; absent for a trap.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<Replaced>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stub: Option<Address>,
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
            replaced: None,
            stub: None,
            callee: None,
            compares: false,
            live: None,
            reason: None,
        };
        Some(match plan.entries.get(&site.address)? {
            EntryMode::Trap(reason) => SiteReport { reason: Some(reason.to_string()), ..trap },
            EntryMode::Direct(entry) => SiteReport {
                entry: "direct",
                replaced: Some(match entry.jump {
                    Jump::Near => Replaced { start: placed, size_bytes: 4 },
                    Jump::Far { .. } => Replaced { start: placed.offset(-4), size_bytes: 8 },
                }),
                stub: Some(entry.stub.start()),
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
        kernel_bytes: note.kernel_bytes,
        direct: plan.direct_sites().count(),
        trap: plan.trap_sites().count(),
        sites: sites.collect(),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
