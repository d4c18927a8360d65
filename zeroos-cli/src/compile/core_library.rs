//! The core library for the kernel's target: the toolchain's own where it is installed, else built once from the toolchain's
//! `rust-src` by rustc alone (no cargo, no network) and kept beside the compiled kernels.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::{CompileError, KernelCache, Toolchain, run};

/// Options of every crate of the library: as the toolchain's own is built, with bitcode for whole-program optimisation.
const FLAGS: [&str; 9] = [
    "--crate-type=rlib",
    "--edition=2024",
    "--cap-lints=allow",
    "-Copt-level=3",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
    "-Cembed-bitcode=yes",
    "-Cforce-unwind-tables=no",
    "-Zforce-unstable-if-unmarked",
];

/// The crates below `library/`, each after those that it needs, with their features.
const CRATES: [(&str, &str, &[&str]); 3] = [
    ("core", "core/src/lib.rs", &[]),
    ("compiler_builtins", "compiler-builtins/compiler-builtins/src/lib.rs", &["compiler-builtins", "mem"]),
    ("alloc", "alloc/src/lib.rs", &[]),
];

/// A core library that rustc can use.
#[derive(Debug)]
pub(super) struct CoreLibrary {
    /// What `--sysroot` is given; rustc's own if `None`.
    sysroot: Option<PathBuf>,
    /// Holds it, if it is not kept.
    _scratch: Option<tempfile::TempDir>,
}

impl CoreLibrary {
    /// Finds the library for `target`, or builds it.
    ///
    /// # Errors
    /// Neither the target nor `rust-src` is installed, or rustc refuses its own library.
    pub fn find(toolchain: &Toolchain, target: &str, cache: &KernelCache) -> Result<CoreLibrary, CompileError> {
        if toolchain.has_target(target) {
            return Ok(CoreLibrary { sysroot: None, _scratch: None });
        }
        let source = toolchain.library_source().ok_or_else(|| CompileError::NoTarget {
            version: toolchain.short_version().to_owned(),
            target: target.to_owned(),
        })?;
        let kept = cache.folder(&format!("core-{}", key(toolchain, target)));
        if let Some(kept) = kept.as_ref().filter(|kept| libraries(kept, target).is_dir()) {
            return Ok(CoreLibrary { sysroot: Some(kept.clone()), _scratch: None });
        }
        // Beside its later place, so that it gets there whole or not at all.
        let beside = kept.as_deref().and_then(Path::parent).filter(|parent| std::fs::create_dir_all(parent).is_ok());
        let scratch = beside.map_or_else(tempfile::tempdir, tempfile::tempdir_in);
        let scratch = scratch.map_err(|error| CompileError::scratch(&error))?;
        build(toolchain, target, &source, &libraries(scratch.path(), target))?;
        if let Some(kept) = kept {
            let built = scratch.keep();
            // Another build may have been faster; its library is the same.
            if std::fs::rename(&built, &kept).is_err() {
                let _ = std::fs::remove_dir_all(&built);
            }
            if libraries(&kept, target).is_dir() {
                return Ok(CoreLibrary { sysroot: Some(kept), _scratch: None });
            }
            return CoreLibrary::find(toolchain, target, &KernelCache::none());
        }
        Ok(CoreLibrary { sysroot: Some(scratch.path().to_owned()), _scratch: Some(scratch) })
    }

    /// Has `rustc` use it.
    pub fn use_in(&self, rustc: &mut Command) {
        if let Some(sysroot) = &self.sysroot {
            rustc.arg("--sysroot").arg(sysroot);
        }
    }
}

/// Where rustc looks for `target`'s libraries below a sysroot.
fn libraries(sysroot: &Path, target: &str) -> PathBuf {
    sysroot.join("lib/rustlib").join(target).join("lib")
}

fn build(toolchain: &Toolchain, target: &str, source: &Path, output: &Path) -> Result<(), CompileError> {
    std::fs::create_dir_all(output).map_err(|error| CompileError::scratch(&error))?;
    for (name, root, features) in CRATES {
        let mut rustc = Command::new(&toolchain.rustc);
        rustc.args(FLAGS).args(["--crate-name", name]).arg(format!("--target={target}"));
        rustc.args(features.iter().map(|feature| format!("--cfg=feature=\"{feature}\"")));
        // Nothing of where the toolchain lies reaches the kernel.
        rustc.arg(format!("--remap-path-prefix={}=/rust/library", source.display()));
        rustc.arg("-L").arg(output).arg("--out-dir").arg(output).arg(source.join(root));
        // The library is written with features that only the toolchain's own crates may use.
        run(rustc, Some("1"), |output| CompileError::Library { name, output })?;
    }
    Ok(())
}

/// What the built library depends on, as a hash.
fn key(toolchain: &Toolchain, target: &str) -> String {
    let mut hash = Sha256::new();
    let crates =
        CRATES.iter().flat_map(|(name, root, features)| [*name, *root].into_iter().chain(features.iter().copied()));
    for text in FLAGS.iter().copied().chain(crates).chain([toolchain.version.as_str(), target]) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
