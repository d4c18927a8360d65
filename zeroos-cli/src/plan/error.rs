//! Why there is no plan.

use crate::address::{Address, AddressRange};
use crate::analysis::{Analysis, Evidence};
use crate::diagnostic::Diagnose;

use super::{Missing, Obstacle, TrapReason, obstacle};
use crate::platform::Platform;

/// What cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The program's addresses are not memory on the platform.
    #[error("the program lies at {program}, but platform `{platform}` has memory at {memory} only")]
    NoMemoryThere {
        /// The program's span.
        program: AddressRange,
        /// The platform.
        platform: String,
        /// Its memory.
        memory: String,
    },
    /// The platform's memory is too small.
    #[error("the program needs {needed} bytes for {what}; platform `{platform}` has {available} left in {region}")]
    TooLarge {
        /// For what.
        what: &'static str,
        /// Bytes.
        needed: u64,
        /// Bytes.
        available: u64,
        /// The platform.
        platform: String,
        /// Where.
        region: AddressRange,
    },
    /// Too little room behind the program's code.
    #[error(
        "platform `{platform}` wants all code in one piece, so stubs and kernel need {needed} bytes right behind the program's \
         code, which ends at {code_end}; its next segment leaves {available}"
    )]
    CodeTooClose {
        /// The platform.
        platform: String,
        /// Where the code ends, in the image.
        code_end: Address,
        /// Bytes.
        needed: u64,
        /// Bytes.
        available: u64,
    },
    /// The machine cannot run the program as it is.
    #[error("platform `{platform}` is {isa} and cannot hold this program:{}", obstacle::list(obstacles))]
    Obstacles {
        /// The platform.
        platform: String,
        /// Its ISA.
        isa: String,
        /// All that is in the way; never empty.
        obstacles: Vec<Obstacle>,
    },
    /// A site keeps its trap where none may be.
    #[error("{wanted_by} allows no trap, but the `ecall` at {address} in {function} keeps its own: {reason}{}", and_others(*others))]
    NotDirect {
        /// The option or platform.
        wanted_by: String,
        /// The first such site.
        address: Address,
        /// Its function.
        function: String,
        /// Why.
        reason: TrapReason,
        /// How many more there are.
        others: usize,
    },
    /// `--deny-missing`.
    #[error("{} reachable calls have no fragment: {}", missing.len(), list_missing(missing))]
    MissingFragments {
        /// All of them.
        missing: Vec<Missing>,
    },
    /// `--deny-unbounded`.
    #[error("{count} reachable `ecall` sites can carry any number; the first is at {address} in {function}: {why}")]
    Unbounded {
        /// How many.
        count: usize,
        /// The first.
        address: Address,
        /// Its function.
        function: String,
        /// What was lost.
        why: String,
    },
    /// An argument, variable or path that the program could not be given.
    #[error("{what}")]
    Input {
        /// What was found and what was expected.
        what: String,
    },
    /// The library lacks a file that every kernel needs.
    #[error("the fragment library has no file for `{module}`")]
    IncompleteLibrary {
        /// The module.
        module: String,
    },
}

impl PlanError {
    pub(super) fn obstacles(platform: &Platform, obstacles: Vec<Obstacle>) -> PlanError {
        PlanError::Obstacles { platform: platform.name.clone(), isa: platform.isa.to_string(), obstacles }
    }

    pub(super) fn unbounded(analysis: &Analysis) -> PlanError {
        let mut sites = analysis.sites.iter().filter(|site| site.reachable).filter_map(|site| match &site.evidence {
            Evidence::Unbounded { why } => Some((site, why)),
            _ => None,
        });
        let first = sites.next();
        PlanError::Unbounded {
            count: usize::from(first.is_some()) + sites.count(),
            address: first.map_or(Address(0), |(site, _)| site.address),
            function: first.map_or_else(String::new, |(site, _)| site.function_name.clone()),
            why: first.map_or_else(String::new, |(_, why)| why.clone()),
        }
    }
}

fn and_others(count: usize) -> String {
    if count == 0 { String::new() } else { format!(" (and {count} more)") }
}

fn list_missing(missing: &[Missing]) -> String {
    let parts: Vec<String> = missing
        .iter()
        .map(|call| format!("{} ({}, reached by {})", call.number, call.number.0, call.chain.join(" > ")))
        .collect();
    parts.join("; ")
}

impl Diagnose for PlanError {
    fn code(&self) -> &'static str {
        match self {
            PlanError::NoMemoryThere { .. } => "ZOS-E0501",
            PlanError::TooLarge { .. } => "ZOS-E0502",
            PlanError::Obstacles { .. } => "ZOS-E0503",
            PlanError::NotDirect { .. } => "ZOS-E0504",
            PlanError::MissingFragments { .. } => "ZOS-E0505",
            PlanError::Unbounded { .. } => "ZOS-E0506",
            PlanError::Input { .. } => "ZOS-E0507",
            PlanError::IncompleteLibrary { .. } => "ZOS-E0508",
            PlanError::CodeTooClose { .. } => "ZOS-E0509",
        }
    }

    fn help(&self) -> String {
        match self {
            PlanError::NoMemoryThere { .. } => {
                "choose a platform that has memory there (`zeroos platforms`), link the program as static-PIE \
                 (`-static-pie`; by the script that `zeroos link-script` prints if code and data have memories of their \
                 own), or move it with `-Wl,-Ttext-segment=ADDRESS`"
                    .into()
            }
            PlanError::CodeTooClose { .. } => {
                "link the program with its code and data far apart: as static-PIE by lld with `-z norelro -T apart.ld`, the \
                 script that `zeroos link-script` prints"
                    .into()
            }
            PlanError::TooLarge { .. } => "use a platform with more memory, or commit fewer and smaller files".into(),
            PlanError::Obstacles { obstacles, .. } => obstacle::help(obstacles),
            PlanError::NotDirect { .. } => {
                "leave `--entry` away, and choose a platform whose `ecall` traps to mtvec (`zeroos platforms`)".into()
            }
            PlanError::MissingFragments { .. } => {
                "leave `--deny-missing` away to build an image that stops with a message if such a call is really made; \
                 `zeroos explain NAME` says what would add it; declare it in zeroos.toml (`[syscalls] enosys = [\"NAME\"]`) \
                 to answer ENOSYS on purpose"
                    .into()
            }
            PlanError::Unbounded { .. } => {
                "leave `--deny-unbounded` away to build a kernel with every fragment; `zeroos manifest` shows the sites".into()
            }
            PlanError::Input { .. } => "correct the option or the entry in zeroos.toml".into(),
            PlanError::IncompleteLibrary { .. } => "the zeroos binary was built from an incomplete source tree; build it again".into(),
        }
    }
}
