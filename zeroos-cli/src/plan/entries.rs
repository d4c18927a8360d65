//! How each `ecall` of the program enters the kernel: the seam at which per-site stubs are chosen.

use std::collections::BTreeMap;

use super::PlanError;
use crate::address::Address;
use crate::analysis::Analysis;

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
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryMode {
    /// The `ecall` stays and traps to mtvec.
    Trap,
}

/// Chooses for every reachable site.
pub(super) fn choose(analysis: &Analysis, request: EntryRequest) -> Result<BTreeMap<Address, EntryMode>, PlanError> {
    let reachable = analysis.sites.iter().filter(|site| site.reachable);
    match request {
        EntryRequest::Direct => Err(PlanError::DirectEntry { sites: reachable.count() }),
        EntryRequest::Auto | EntryRequest::Trap => Ok(reachable.map(|site| (site.address, EntryMode::Trap)).collect()),
    }
}
