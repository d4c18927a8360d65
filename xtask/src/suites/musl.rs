//! Compiles C programs that others wrote, against the musl of the project's cross toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cross::{Isa, Toolchain};
use crate::step::Step;

/// The compiler with everything but sources, libraries and options of the program.
fn compiler(toolchain: &Toolchain) -> Result<Step> {
    let musl = toolchain.musl(Isa::Gc);
    let compiler_headers = Step::new("riscv64-linux-gnu-gcc").arg("-print-file-name=include").output()?;
    Ok(Step::new("riscv64-linux-gnu-gcc")
        .quiet()
        .args(Isa::Gc.gcc_options())
        .args(["-O2", "-w", "-fno-pie", "-static", "-no-pie", "-nostdlib", "-nostdinc", "-isystem"])
        .arg(musl.join("include"))
        .args(["-isystem", compiler_headers.trim()]))
}

/// Compiles and links `sources` into `program`, unless it is there.
pub fn program(toolchain: &Toolchain, program: &Path, options: &[String], sources: &[PathBuf]) -> Result<()> {
    if program.exists() {
        return Ok(());
    }
    println!("building {}", program.display());
    let library = toolchain.musl(Isa::Gc).join("lib");
    // Atomic operations on single bytes are functions.
    let atomic = Step::new("riscv64-linux-gnu-gcc").arg("-print-file-name=libatomic.a").output()?;
    let step = compiler(toolchain)?
        .args(["crt1.o", "crti.o"].map(|name| library.join(name)))
        .args(options)
        .args(sources)
        .arg("-s")
        .arg("-L")
        .arg(&library)
        .args(["-lc", atomic.trim(), "-lgcc", "-lc"])
        .arg(library.join("crtn.o"))
        .arg("-o")
        .arg(program);
    step.run()
}

/// The files of a folder with an extension, by name.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.is_file() && path.extension().is_some_and(|found| found == extension));
    files.sort();
    Ok(files)
}

/// The C files of a folder, by name, but for those named in `without`.
pub fn c_files(folder: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = files(folder, "c")?;
    found.retain(|path| !path.file_name().is_some_and(|name| without.iter().any(|other| name == *other)));
    Ok(found)
}
