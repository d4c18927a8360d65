//! Rebuilds the prebuilt binaries of `examples/` from their sources. A binary's name says how it is made:
//! `gc` or `imac`, `exec` or `pie`, and `-symbols` if it keeps its symbol table.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cross::{Isa, Toolchain};
use crate::debian;
use crate::step::{Step, cargo};

/// How one binary is made.
struct Variant {
    isa: Isa,
    position_independent: bool,
    symbols: bool,
}

impl Variant {
    fn parse(name: &str) -> Option<Self> {
        let mut words = name.split('-');
        let isa = words.next()?;
        let isa = Isa::ALL.into_iter().find(|candidate| candidate.name() == isa)?;
        let position_independent = match words.next()? {
            "exec" => false,
            "pie" => true,
            _ => return None,
        };
        let symbols = match words.next() {
            None => false,
            Some("symbols") => true,
            Some(_) => return None,
        };
        words.next().is_none().then_some(Variant { isa, position_independent, symbols })
    }
}

/// Rebuilds every file in `bin/` of the named examples, or of all of them.
pub fn rebuild_examples(names: &[&str]) -> Result<()> {
    let examples = crate::root().join("examples");
    let directories = match names {
        [] => subdirectories(&examples)?,
        names => names.iter().map(|name| examples.join(name)).collect(),
    };
    let toolchain = Toolchain::install()?;
    for directory in directories {
        let program = file_name(&directory)?;
        for entry in fs::read_dir(directory.join("bin")).with_context(|| format!("{program}/bin"))? {
            let binary = entry?.path();
            let name = file_name(&binary)?;
            let variant = Variant::parse(&name)
                .with_context(|| format!("{program}/bin/{name}: the name does not say how to build it"))?;
            build(&toolchain, &directory, &variant, &binary).with_context(|| format!("{program}/bin/{name}"))?;
        }
    }
    Ok(())
}

fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

fn build(toolchain: &Toolchain, directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    let description = fs::read_to_string(directory.join("example.toml"))?.parse::<toml::Table>()?;
    let option = |name: &str| description.get("build").and_then(|build| build.get(name));
    let flags: Vec<&str> = match option("flags").and_then(|flags| flags.as_array()) {
        Some(flags) => flags.iter().filter_map(|flag| flag.as_str()).collect(),
        None => Vec::new(),
    };
    match option("libc").and_then(|libc| libc.as_str()) {
        Some("glibc") => c_on_glibc(directory, variant, binary)?,
        Some(other) => bail!("example.toml names an unknown libc: {other}"),
        None if directory.join("main.c").exists() => c_on_musl(toolchain, directory, variant, &flags, binary)?,
        None if directory.join("main.cpp").exists() => cpp(toolchain, directory, variant, binary)?,
        None if directory.join("Cargo.toml").exists() => rust(toolchain, directory, variant, binary)?,
        None => bail!("there is no main.c, main.cpp or Cargo.toml"),
    }
    if variant.symbols {
        return Ok(());
    }
    Step::new("riscv64-linux-gnu-strip").arg(binary).run()
}

/// C by GCC and the GNU linker, against the toolchain's own musl.
fn c_on_musl(toolchain: &Toolchain, directory: &Path, variant: &Variant, flags: &[&str], binary: &Path) -> Result<()> {
    let musl = toolchain.musl(variant.isa);
    let library = |name: &str| musl.join("lib").join(name);
    let compiler_headers = Step::new("riscv64-linux-gnu-gcc").arg("-print-file-name=include").output()?;
    let (kind, start): (&[&str], _) = if variant.position_independent {
        (&["-fPIE", "-static-pie", "-Wl,-static,--no-dynamic-linker"], "rcrt1.o")
    } else {
        (&["-fno-pie", "-static", "-no-pie"], "crt1.o")
    };
    Step::new("riscv64-linux-gnu-gcc")
        .args(variant.isa.gcc_options())
        .args(["-O2", "-Wall", "-Wextra"])
        .args(flags)
        .args(kind)
        .args(["-nostdlib", "-nostdinc", "-isystem"])
        .arg(musl.join("include"))
        .args(["-isystem", compiler_headers.trim()])
        .args([library(start), library("crti.o")])
        .arg(directory.join("main.c"))
        .arg("-L")
        .arg(musl.join("lib"))
        .args(["-lc", "-lgcc", "-lc"])
        .arg(library("crtn.o"))
        .arg("-o")
        .arg(binary)
        .run()
}

/// C by GCC, against Debian's static glibc.
fn c_on_glibc(directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    if variant.isa != Isa::Gc || variant.position_independent {
        bail!("Debian's glibc is built for gc, and these examples link it as exec");
    }
    if !Path::new("/usr/riscv64-linux-gnu/lib/libc.a").exists() {
        debian::install(&["libc6-dev-riscv64-cross"])?;
    }
    Step::new("riscv64-linux-gnu-gcc")
        .args(["-O2", "-Wall", "-Wextra", "-static"])
        .arg(directory.join("main.c"))
        .arg("-o")
        .arg(binary)
        .run()
}

/// C++ by zig, which brings clang, libc++ and musl.
fn cpp(toolchain: &Toolchain, directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    let kind: &[&str] = if variant.position_independent { &["-fPIE", "-pie"] } else { &[] };
    toolchain
        .zig()
        .arg("c++")
        .args(variant.isa.zig_options())
        .args(["-std=c++17", "-Os", "-g0", "-Wall", "-Wextra", "-fno-sanitize=all"])
        .args(["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"])
        .args(kind)
        .arg(directory.join("main.cpp"))
        .arg("-o")
        .arg(binary)
        .run()
}

/// Rust with `std` built from `rust-src`, against the toolchain's own musl.
fn rust(toolchain: &Toolchain, directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    let sysroot = PathBuf::from(Step::new("rustc").args(["--print", "sysroot"]).output()?.trim());
    let host = Step::new("rustc").args(["--print", "host-tuple"]).output()?;
    let linker = sysroot.join("lib/rustlib").join(host.trim()).join("bin/rust-lld");
    let target = toolchain.rust_target(variant.isa);
    let model = if variant.position_independent { "pic" } else { "static" };

    let mut flags: Vec<OsString> = Vec::new();
    let mut flag = |start: &str, path: &Path, end: &str| {
        let mut flag = OsString::from(start);
        flag.push(path);
        flag.push(end);
        flags.push(flag);
    };
    flag("-Lnative=", &toolchain.musl(variant.isa).join("lib"), "");
    flag("-Clinker=", &linker, "");
    flag("-Crelocation-model=", Path::new(model), "");
    // The binary must not tell where it was built: panic messages hold source paths.
    flag("--remap-path-prefix=", &sysroot.join("lib/rustlib/src/rust"), "=/rust");
    for registry in subdirectories(&cargo_home()?.join("registry/src")).unwrap_or_default() {
        flag("--remap-path-prefix=", &registry, "=/registry");
    }
    // One build directory per variant: all programs of a variant share one build of `std`.
    let build = crate::root().join("target/examples").join(format!("{}-{model}", variant.isa.name()));
    cargo()
        .args(["build", "--release", "--locked", "-Zjson-target-spec", "-Zbuild-std=std,panic_abort,panic_unwind"])
        .arg("--target")
        .arg(&target)
        .arg("--target-dir")
        .arg(&build)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join(OsString::from("\u{1f}").as_os_str()))
        .directory(directory)
        .run()?;
    let target_name = target.file_stem().context("the target's file has a name")?;
    let built = build.join(target_name).join("release").join(file_name(directory)?);
    fs::copy(&built, binary).with_context(|| built.display().to_string())?;
    Ok(())
}

/// Cargo's home, as cargo finds it (The Cargo Book, "Cargo Home").
fn cargo_home() -> Result<PathBuf> {
    match std::env::var_os("CARGO_HOME") {
        Some(home) => Ok(home.into()),
        None => Ok(PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cargo")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_how_to_build() {
        let variant = Variant::parse("imac-pie").expect("a variant");
        assert!(variant.isa == Isa::Imac && variant.position_independent && !variant.symbols);
        let variant = Variant::parse("gc-exec-symbols").expect("a variant");
        assert!(variant.isa == Isa::Gc && !variant.position_independent && variant.symbols);
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "gc", "gc-", "rv32-exec", "gc-exec-", "gc-exec-symbols-x", "gc-dyn"] {
            assert!(Variant::parse(name).is_none(), "{name}");
        }
    }
}
