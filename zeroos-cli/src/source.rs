//! The kernel's source: selected fragments copied byte for byte, the root generated, assembly rendered from templates.
//! Pure: from a plan to texts.

mod departures;
mod error;
mod makers;
mod module_tree;
mod root;
mod templates;

pub use error::SourceError;
pub use templates::platform_folder;

use std::collections::BTreeMap;

use crate::plan::Plan;
use crate::platform::Platform;

/// What kernels are compiled for where the machine has atomic and compressed instructions.
pub const TARGET: &str = "riscv64imac-unknown-none-elf";
/// What kernels are compiled for on all other machines.
pub const SMALLEST_TARGET: &str = "riscv64im-unknown-none-elf";

/// The generated kernel crate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelSource {
    /// Files by path below the crate's folder; together they decide the compiled kernel.
    pub files: BTreeMap<String, String>,
    /// What it is compiled for, as rustc names it.
    pub target: &'static str,
    /// The linker script: where the compiled kernel goes.
    pub link_script: String,
}

impl KernelSource {
    /// The crate's root file.
    pub const ROOT: &'static str = "src/lib.rs";

    /// Generates the kernel of `plan`.
    ///
    /// # Errors
    /// A template that does not render, or a root that is not Rust: faults of the tool, not of the input.
    pub fn new(plan: &Plan) -> Result<KernelSource, SourceError> {
        let mut files = BTreeMap::new();
        for fragment in plan.selection.files.values() {
            files.insert(format!("src/{}", fragment.path()), fragment.text.clone().into_owned());
        }
        files.insert("src/platform.rs".into(), plan.platform.source.clone());
        files.insert(KernelSource::ROOT.into(), root::generate(plan)?);
        files.insert("src/start.S".into(), templates::start(plan)?);
        files.insert("src/trap.S".into(), templates::trap(plan)?);
        files.insert("src/memory.S".into(), templates::memory()?);
        files.extend(templates::supervisor(plan)?.map(|text| ("src/supervisor.S".into(), text)));
        files.extend(templates::resume(plan)?.map(|text| ("src/resume.S".into(), text)));
        files.extend(templates::leave_without_csrs(plan)?.map(|text| ("src/leave_without_csrs.S".into(), text)));
        Ok(KernelSource { files, target: target(&plan.platform), link_script: templates::link_script(plan)? })
    }

    /// The files that make a crate of it, for `--emit-source`: plain `cargo build` compiles them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn crate_files(&self, plan: &Plan) -> Result<BTreeMap<String, String>, SourceError> {
        let mut files = self.files.clone();
        files.insert("link.ld".into(), self.link_script.clone());
        files.extend(templates::crate_files(plan)?);
        Ok(files)
    }
}

/// What code for `platform` is compiled for: no more than the machine has.
pub fn target(platform: &Platform) -> &'static str {
    let isa = &platform.isa;
    if isa.atomics && isa.compressed { TARGET } else { SMALLEST_TARGET }
}
