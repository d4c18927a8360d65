//! Makes a static program from its source: C, C++, Rust or Go, in one of the variants that file names tell: `gc`, `imac`
//! or `ima`, `exec` or `pie`, and `-symbols` if it keeps its symbol table. An `ima-pie` keeps code and data apart.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cross::{Isa, Toolchain};
use crate::debian;
use crate::step::{Step, cargo};

/// How one binary is made.
#[derive(Clone, Copy)]
pub struct Variant {
    /// The instruction set.
    pub isa: Isa,
    /// Static-PIE instead of `ET_EXEC`.
    pub position_independent: bool,
    /// Not stripped.
    pub symbols: bool,
}

impl Variant {
    /// What `ima-pie` is given to the linker: machines without compressed instructions tend to have code and data in
    /// different memories, and to check all of a code segment as they load it.
    fn apart(&self) -> Option<[OsString; 5]> {
        let mut script = OsString::from("-T");
        script.push(crate::root().join("templates/apart.ld"));
        (self.isa == Isa::Ima && self.position_independent)
            .then(|| ["-melf64lriscv".into(), "-z".into(), "norelro".into(), "--no-dynamic-linker".into(), script])
    }

    /// Reads a file name.
    pub fn parse(name: &str) -> Option<Self> {
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

/// What a program is made of.
pub struct Recipe {
    /// The folder with `main.c`, `main.cpp`, `main.go` or `Cargo.toml`.
    pub directory: PathBuf,
    /// `glibc` instead of musl.
    pub libc: Option<String>,
    /// More options for the C compiler.
    pub flags: Vec<String>,
}

impl Recipe {
    /// The recipe of an example: its folder, and the table `build` of its `example.toml`.
    pub fn of_example(directory: &Path) -> Result<Self> {
        let description = fs::read_to_string(directory.join("example.toml"))?.parse::<toml::Table>()?;
        let option = |name: &str| description.get("build").and_then(|build| build.get(name));
        let flags = option("flags").and_then(|flags| flags.as_array()).into_iter().flatten();
        Ok(Recipe {
            directory: directory.to_path_buf(),
            libc: option("libc").and_then(|libc| libc.as_str()).map(str::to_owned),
            flags: flags.filter_map(|flag| flag.as_str().map(str::to_owned)).collect(),
        })
    }

    /// Makes `binary`.
    pub fn make(&self, toolchain: &Toolchain, variant: &Variant, binary: &Path) -> Result<()> {
        let directory = &self.directory;
        let has = |name: &str| directory.join(name).exists();
        match self.libc.as_deref() {
            Some("glibc") => c_on_glibc(directory, variant, binary)?,
            Some(other) => bail!("an unknown libc: {other}"),
            None if has("main.c") => c_on_musl(toolchain, directory, variant, &self.flags, binary)?,
            None if has("main.cpp") => cpp(toolchain, directory, variant, binary)?,
            None if has("Cargo.toml") => rust(toolchain, directory, variant, binary)?,
            None if has("main.go") => return go(toolchain, directory, variant, binary),
            None => bail!("there is no main.c, main.cpp, Cargo.toml or main.go"),
        }
        if variant.symbols {
            return Ok(());
        }
        Step::new("riscv64-linux-gnu-strip").arg(binary).run()
    }
}

/// The folders in a folder, by name.
pub fn subdirectories(directory: &Path) -> Result<Vec<PathBuf>> {
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

/// The last part of a path.
pub fn file_name(path: &Path) -> Result<String> {
    let name = path.file_name().with_context(|| format!("{} has no name", path.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

/// C by GCC and the GNU linker, against the toolchain's own musl.
fn c_on_musl(
    toolchain: &Toolchain,
    directory: &Path,
    variant: &Variant,
    flags: &[String],
    binary: &Path,
) -> Result<()> {
    let musl = toolchain.musl(variant.isa);
    let library = |name: &str| musl.join("lib").join(name);
    let compiler_headers = Step::new("riscv64-linux-gnu-gcc").arg("-print-file-name=include").output()?;
    let linker: Vec<OsString> = match variant.apart() {
        None => Vec::new(),
        Some(options) => {
            let mut search = OsString::from("-B");
            search.push(rust_tools()?.join("gcc-ld"));
            let options = options.into_iter().flat_map(|option| ["-Xlinker".into(), option]);
            ["-fuse-ld=lld".into(), search].into_iter().chain(options).collect()
        }
    };
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
        .args(linker)
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
    if variant.isa == Isa::Ima {
        bail!("zig links C++, and not by templates/apart.ld");
    }
    // Without `-g` zig leaves out the symbols, too.
    let debug = if variant.symbols { "-g" } else { "-g0" };
    let kind: &[&str] = if variant.position_independent { &["-fPIE", "-pie"] } else { &[] };
    toolchain
        .zig()
        .arg("c++")
        .args(variant.isa.zig_options())
        .args(["-std=c++17", "-Os", "-Wall", "-Wextra", "-fno-sanitize=all"])
        .args(["-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections"])
        .arg(debug)
        .args(kind)
        .arg(directory.join("main.cpp"))
        .arg("-o")
        .arg(binary)
        .run()?;
    if variant.symbols {
        return Step::new("riscv64-linux-gnu-strip").arg("--strip-debug").arg(binary).run();
    }
    Ok(())
}

/// Rust with `std` built from `rust-src`, against the toolchain's own musl.
fn rust(toolchain: &Toolchain, directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    let sysroot = PathBuf::from(Step::new("rustc").args(["--print", "sysroot"]).output()?.trim());
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
    flag("-Clinker=", &rust_tools()?.join("rust-lld"), "");
    flag("-Crelocation-model=", Path::new(model), "");
    // The binary must not tell where it was built: panic messages hold source paths.
    flag("--remap-path-prefix=", &sysroot.join("lib/rustlib/src/rust"), "=/rust");
    for registry in subdirectories(&cargo_home()?.join("registry/src")).unwrap_or_default() {
        flag("--remap-path-prefix=", &registry, "=/registry");
    }
    for option in variant.apart().into_iter().flatten() {
        let mut flag = OsString::from("-Clink-arg=");
        flag.push(option);
        flags.push(flag);
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
        // For crates that carry C sources (the crate `cc` reads these).
        .env("CC", "riscv64-linux-gnu-gcc")
        .env("AR", "riscv64-linux-gnu-ar")
        .env("CFLAGS", c_flags(toolchain, variant)?)
        // An example's profile strips; a variant with symbols must not.
        .env("CARGO_PROFILE_RELEASE_STRIP", if variant.symbols { "none" } else { "symbols" })
        .directory(directory)
        .run()?;
    let target_name = target.file_stem().context("the target's file has a name")?;
    let built = build.join(target_name).join("release").join(file_name(directory)?);
    fs::copy(&built, binary).with_context(|| built.display().to_string())?;
    Ok(())
}

/// GCC's options for C sources that a Rust program brings along.
fn c_flags(toolchain: &Toolchain, variant: &Variant) -> Result<String> {
    let compiler_headers = Step::new("riscv64-linux-gnu-gcc").arg("-print-file-name=include").output()?;
    let musl = toolchain.musl(variant.isa).join("include");
    let model = if variant.position_independent { "-fPIE" } else { "-fno-pie" };
    let include = format!("-nostdinc -isystem {} -isystem {}", musl.display(), compiler_headers.trim());
    Ok(format!("{} {model} {include}", variant.isa.gcc_options().join(" ")))
}

/// Where rustup keeps lld, and its stand-ins for a compiler to call.
fn rust_tools() -> Result<PathBuf> {
    let sysroot = Step::new("rustc").args(["--print", "sysroot"]).output()?;
    let host = Step::new("rustc").args(["--print", "host-tuple"]).output()?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib").join(host.trim()).join("bin"))
}

/// Go, which needs no libc; a stripped program is linked as such.
fn go(toolchain: &Toolchain, directory: &Path, variant: &Variant, binary: &Path) -> Result<()> {
    if variant.isa != Isa::Gc || variant.position_independent {
        bail!("Go makes rv64gc, and static programs as exec only");
    }
    let linker = if variant.symbols { "-ldflags=" } else { "-ldflags=-s -w" };
    toolchain
        .go()?
        .args(["build", "-trimpath", linker, "-o"])
        .arg(binary)
        .arg(".")
        .env("GOOS", "linux")
        .env("GOARCH", "riscv64")
        .env("CGO_ENABLED", "0")
        .directory(directory)
        .run()
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
        let variant = Variant::parse("ima-pie").expect("a variant");
        assert!(variant.isa == Isa::Ima && variant.apart().is_some());
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
