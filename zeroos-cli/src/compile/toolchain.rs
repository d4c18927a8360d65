//! The Rust toolchain that compiles kernels: which rustc, whether it can compile for the kernel's target, and where its
//! linker is.

use std::path::PathBuf;
use std::process::Command;

use super::CompileError;

/// A rustc that answers.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The program to start.
    pub rustc: PathBuf,
    /// What `rustc -vV` says: version, commit and host.
    pub version: String,
    /// Its installation folder.
    pub sysroot: PathBuf,
}

impl Toolchain {
    /// The rustc that `RUSTC` names, or the one on the search path.
    ///
    /// # Errors
    /// None that can be started.
    pub fn find() -> Result<Toolchain, CompileError> {
        let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
        let ask = |arguments: &[&str]| -> Result<String, CompileError> {
            let failed = |message: String| CompileError::Start { program: rustc.display().to_string(), message };
            let output = Command::new(&rustc).args(arguments).output().map_err(|error| failed(error.to_string()))?;
            if !output.status.success() {
                return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        // Starting rustc takes longer than all that it is asked; both at once.
        let (version, sysroot) = std::thread::scope(|scope| {
            let sysroot = scope.spawn(|| ask(&["--print", "sysroot"]));
            (ask(&["-vV"]), sysroot.join())
        });
        let panicked = |_| CompileError::Start { program: rustc.display().to_string(), message: "no answer".into() };
        let (version, sysroot) = (version?, PathBuf::from(sysroot.map_err(panicked)??));
        Ok(Toolchain { version, sysroot, rustc: rustc.clone() })
    }

    /// The first line of its version.
    pub fn short_version(&self) -> &str {
        self.version.lines().next().unwrap_or_default()
    }

    /// Whether the core library for `target` is installed.
    pub fn has_target(&self, target: &str) -> bool {
        self.sysroot.join("lib/rustlib").join(target).join("lib").is_dir()
    }

    /// The source of the standard library (rustup's component `rust-src`), if it is installed.
    pub fn library_source(&self) -> Option<PathBuf> {
        let library = self.sysroot.join("lib/rustlib/src/rust/library");
        library.join("core/src/lib.rs").is_file().then_some(library)
    }

    /// The toolchain's rust-lld.
    ///
    /// # Errors
    /// It is not there.
    pub fn lld(&self) -> Result<PathBuf, CompileError> {
        let host = self.version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
        let folder = self.sysroot.join("lib/rustlib").join(host).join("bin");
        let lld = folder.join(format!("rust-lld{}", std::env::consts::EXE_SUFFIX));
        if lld.is_file() { Ok(lld) } else { Err(CompileError::NoLinker { folder: folder.display().to_string() }) }
    }
}
