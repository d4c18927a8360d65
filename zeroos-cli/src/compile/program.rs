//! Compiles a program of one Rust file without a library: what `zeroos platform check` runs on a platform.

use std::process::Command;

use super::core_library::CoreLibrary;
use super::{CompileError, KernelCache, Toolchain, run};

/// Options of such a program: position-independent, linked by rust-lld alone.
const FLAGS: [&str; 12] = [
    "--crate-name=program",
    "--crate-type=bin",
    "--edition=2024",
    "-Copt-level=2",
    "-Cpanic=abort",
    "-Crelocation-model=pic",
    "-Cforce-unwind-tables=no",
    "-Clinker-flavor=ld.lld",
    "-Clink-arg=-pie",
    "-Clink-arg=--no-dynamic-linker",
    "-Clink-arg=-znorelro",
    "-Ccodegen-units=1",
];

/// The ELF of the program `source`, for rustc's `target`, linked by `script` or as the linker would.
///
/// # Errors
/// As [`compile`](super::compile()), for a program.
pub fn compile_program(
    source: &str,
    script: Option<&str>,
    target: &str,
    toolchain: &Toolchain,
    cache: &KernelCache,
) -> Result<Vec<u8>, CompileError> {
    let core = CoreLibrary::find(toolchain, target, cache)?;
    let folder = tempfile::tempdir().map_err(|error| CompileError::scratch(&error))?;
    for (name, text) in [("program.rs", Some(source)), ("link.ld", script)] {
        let written = text.map_or(Ok(()), |text| std::fs::write(folder.path().join(name), text));
        written.map_err(|error| CompileError::scratch(&error))?;
    }
    let mut rustc = Command::new(&toolchain.rustc);
    rustc.current_dir(folder.path()).args(FLAGS).arg(format!("--target={target}"));
    rustc.args(script.map(|_| "-Clink-arg=-Tlink.ld"));
    core.use_in(&mut rustc);
    rustc.arg(format!("-Clinker={}", toolchain.lld()?.display())).args(["-o", "program.elf", "program.rs"]);
    run(rustc, None, |output| CompileError::Rustc { output })?;
    std::fs::read(folder.path().join("program.elf")).map_err(|error| CompileError::scratch(&error))
}
