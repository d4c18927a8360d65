//! From source to a linked kernel: rustc makes an archive (cached by content), rust-lld puts it at its addresses. The
//! stage that starts processes; it reads nothing but the toolchain and writes nothing but its cache.

mod cache;
mod core_library;
mod error;
mod program;
mod toolchain;

pub use cache::KernelCache;
pub use error::CompileError;
pub use program::compile_program;
pub use toolchain::Toolchain;

use std::path::Path;
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use crate::address::Address;
use crate::source::KernelSource;
use core_library::CoreLibrary;

/// Options of every kernel: whole-program optimisation, no unwinding, absolute addresses.
const FLAGS: [&str; 13] = [
    "--crate-name=zeroos_kernel",
    "--crate-type=staticlib",
    "--edition=2024",
    "--cap-lints=allow",
    "-Copt-level=2",
    "-Clto=fat",
    "-Ccodegen-units=1",
    "-Cpanic=abort",
    "-Cdebuginfo=0",
    "-Crelocation-model=static",
    "-Cforce-unwind-tables=no",
    "-Cembed-bitcode=yes",
    // Jumps whose targets can be read: a stub saves what its callee is seen to change.
    "-Cllvm-args=-riscv-min-jump-table-entries=1000",
];

/// The compiled kernel: a static archive, not yet placed.
#[derive(Clone, PartialEq, Eq)]
pub struct KernelObject {
    archive: Vec<u8>,
}

/// Compiles `source`, or finds it in `cache`.
///
/// # Errors
/// A missing toolchain or target, rustc's refusal, or a folder that cannot be written.
pub fn compile(
    source: &KernelSource,
    toolchain: &Toolchain,
    cache: &KernelCache,
) -> Result<KernelObject, CompileError> {
    let key = key(source, toolchain);
    if let Some(archive) = cache.get(&key) {
        return Ok(KernelObject { archive });
    }
    let core = CoreLibrary::find(toolchain, source.target, cache)?;
    let folder = tempfile::tempdir().map_err(|error| CompileError::scratch(&error))?;
    write_files(folder.path(), source)?;
    // Paths relative to the scratch folder: nothing of where it lies reaches the kernel.
    let mut rustc = Command::new(&toolchain.rustc);
    rustc.current_dir(folder.path()).args(FLAGS).arg(format!("--target={}", source.target));
    core.use_in(&mut rustc);
    rustc.args(["-o", "kernel.a", KernelSource::ROOT]);
    run(rustc, None, |output| CompileError::Rustc { output })?;
    let archive = std::fs::read(folder.path().join("kernel.a")).map_err(|error| CompileError::scratch(&error))?;
    cache.put(&key, &archive);
    Ok(KernelObject { archive })
}

/// Links `object` by `source`'s linker script, with the boot information at `boot_info`; the bytes of an ELF.
///
/// # Errors
/// A missing rust-lld, its refusal (a kernel that does not fit its room), or a scratch folder that cannot be written.
pub fn link(
    object: &KernelObject,
    source: &KernelSource,
    boot_info: Address,
    toolchain: &Toolchain,
) -> Result<Vec<u8>, CompileError> {
    let folder = tempfile::tempdir().map_err(|error| CompileError::scratch(&error))?;
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).map_err(|error| CompileError::scratch(&error))
    };
    write("kernel.a", &object.archive)?;
    write("link.ld", source.link_script.as_bytes())?;
    let mut lld = Command::new(toolchain.lld()?);
    lld.current_dir(folder.path()).args(["-flavor", "gnu", "-T", "link.ld", "--gc-sections", "--no-eh-frame-hdr"]);
    lld.arg(format!("--defsym={}={boot_info}", kernel_fragments::boot_info::SYMBOL));
    lld.args(["-o", "kernel.elf", "kernel.a"]);
    run(lld, None, |output| CompileError::Linker { output })?;
    std::fs::read(folder.path().join("kernel.elf")).map_err(|error| CompileError::scratch(&error))
}

/// What the compiled kernel depends on, as a hash.
fn key(source: &KernelSource, toolchain: &Toolchain) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    add(&toolchain.version);
    add(source.target);
    FLAGS.iter().for_each(|flag| add(flag));
    for (path, text) in &source.files {
        add(path);
        add(text);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_files(folder: &Path, source: &KernelSource) -> Result<(), CompileError> {
    for (path, text) in &source.files {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent)
            .and_then(|()| std::fs::write(&path, text))
            .map_err(|error| CompileError::scratch(&error))?;
    }
    Ok(())
}

/// Runs `command` with nothing of the user's build environment that would change its result, and RUSTC_BOOTSTRAP as given.
fn run(
    mut command: Command,
    bootstrap: Option<&str>,
    refused: impl Fn(String) -> CompileError,
) -> Result<(), CompileError> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).env_remove("RUSTFLAGS").env_remove("RUSTC_BOOTSTRAP").env("SOURCE_DATE_EPOCH", "0");
    command.envs(bootstrap.map(|value| ("RUSTC_BOOTSTRAP", value)));
    let output = command.output().map_err(|error| CompileError::Start { program, message: error.to_string() })?;
    if output.status.success() {
        return Ok(());
    }
    Err(refused(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
}
