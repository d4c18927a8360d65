//! What can go wrong when a manifest is asked about a run or an address.

use crate::address::Address;
use crate::diagnostic::Diagnose;

/// Why a question about a manifest has no good answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ManifestError {
    /// The run made calls that the manifest rules out.
    #[error("the run made calls that the manifest does not name: {calls}")]
    Missed {
        /// Each call with its place.
        calls: String,
    },
    /// Nothing in the log looks like a call.
    #[error(
        "no call was recognised in {bytes} bytes; expected the log of `qemu-riscv64 -strace` or `zeroos run --trace`"
    )]
    NoCalls {
        /// Size of the log.
        bytes: usize,
    },
    /// There is no `ecall` at the address.
    #[error("there is no `ecall` at {address}; {nearest}")]
    NoSite {
        /// What was asked for.
        address: Address,
        /// Where the nearest ones are.
        nearest: String,
        /// Whether the program runs at other addresses than its file says.
        movable: bool,
    },
}

impl Diagnose for ManifestError {
    fn code(&self) -> &'static str {
        match self {
            ManifestError::Missed { .. } => "ZOS-E0201",
            ManifestError::NoCalls { .. } => "ZOS-E0202",
            ManifestError::NoSite { .. } => "ZOS-E0203",
        }
    }

    fn help(&self) -> String {
        match self {
            ManifestError::Missed { .. } => {
                "check that the log was made with this very build of the program; if it was, the analysis missed a path: \
                 please report it with the program"
                    .into()
            }
            ManifestError::NoCalls { .. } => {
                "write it with `qemu-riscv64 -strace APP 2> TRACE` or `zeroos run --trace APP 2> TRACE`".into()
            }
            ManifestError::NoSite { movable, .. } => {
                let moved = if *movable {
                    "; addresses are the file's own, a static-PIE runs elsewhere by what it was moved"
                } else {
                    ""
                };
                format!("name the address of the `ecall` itself; `zeroos manifest APP --format json` lists all{moved}")
            }
        }
    }
}
