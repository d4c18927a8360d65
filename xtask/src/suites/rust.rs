//! Rust's own tests: those of `core`, `alloc` and `std` in rustup's component `rust-src`, on musl.
//!
//! They are built as the Rust project does it: the library as it is becomes a sysroot, and the tests are built against
//! that, from the same sources with the same options.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::case::{Case, Prepared, Reading, Suite};
use super::fetch;
use crate::compile::file_name;
use crate::cross::{Isa, Toolchain};
use crate::step::{Step, cargo};

/// `core` and `alloc`.
pub const CORE: Suite = Suite {
    name: "rust-core",
    title: "Rust's `coretests` and `alloctests` (`rust-src`) on musl",
    prepare: || prepare(&["coretests", "alloctests"]),
};

/// `std`.
pub const STD: Suite = Suite {
    name: "rust-std",
    title: "Rust's `std`, unit tests and `tests/` (`rust-src`) on musl, without `net` and `process`",
    prepare: || prepare(&["std"]),
};

/// Tests of other machines' code, and those that this kernel is not for.
const OTHER_SUBJECTS: [(&str, &str); 8] = [
    ("net::", "need a network"),
    ("os::unix::net::", "need a network"),
    ("os::net::", "need a network"),
    ("sys::net::", "need a network"),
    ("process::", "start another process"),
    ("sys::process::", "start another process"),
    ("sys::pal::unix::linux::pidfd::", "start another process"),
    ("os::linux::process::", "start another process"),
];

/// Test programs that are about starting processes.
const PROCESS_PROGRAMS: [&str; 2] = ["pipe-subprocess", "process_spawning"];

/// How the standard library is built for its tests.
struct Build {
    library: PathBuf,
    sysroot: PathBuf,
    target: PathBuf,
    flags: String,
}

impl Build {
    /// Copies the library's source and makes a sysroot of it, whatever of that is not there yet.
    fn new() -> Result<Self> {
        let toolchain = Toolchain::install()?;
        let host_sysroot = PathBuf::from(Step::new("rustc").args(["--print", "sysroot"]).output()?.trim());
        let host = Step::new("rustc").args(["--print", "host-tuple"]).output()?;
        let library = fetch::folder().join("source/rust-library");
        if !library.exists() {
            fs::create_dir_all(fetch::folder().join("source"))?;
            Step::new("cp").arg("-r").arg(host_sysroot.join("lib/rustlib/src/rust/library")).arg(&library).run()?;
        }
        let target = toolchain.rust_target(Isa::Gc);
        let sysroot = fetch::folder().join("rust/sysroot");
        let flags = [
            format!("-Lnative={}", toolchain.musl(Isa::Gc).join("lib").display()),
            format!("-Clinker={}", host_sysroot.join("lib/rustlib").join(host.trim()).join("bin/rust-lld").display()),
            "-Crelocation-model=static".to_owned(),
            format!("--sysroot={}", sysroot.display()),
            "-Zforce-unstable-if-unmarked".to_owned(),
        ];
        let build = Build { library, sysroot, target, flags: flags.join(" ") };
        build.make_sysroot()?;
        Ok(build)
    }

    fn make_sysroot(&self) -> Result<()> {
        let name = self.target.file_stem().context("the target's file has a name")?;
        let libraries = self.sysroot.join("lib/rustlib").join(name).join("lib");
        if libraries.exists() {
            return Ok(());
        }
        // rustc wants the folder, and finds nothing there that the library could be built against.
        fs::create_dir_all(&libraries)?;
        self.cargo("build").args(["--package", "sysroot", "--features", FEATURES]).run()?;
        for file in fs::read_dir(self.folder().join(name).join("release/deps"))? {
            let file = file?.path();
            if file.extension().is_some_and(|extension| extension == "rlib") {
                fs::copy(&file, libraries.join(file_name(&file)?))?;
            }
        }
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        fetch::folder().join("rust/build")
    }

    fn cargo(&self, command: &str) -> Step {
        cargo()
            .args([command, "--release", "-Zjson-target-spec", "--target"])
            .arg(&self.target)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", &self.flags)
            .env("CARGO_TARGET_DIR", self.folder())
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .directory(&self.library)
    }

    /// Builds the tests of `package`, unless they were built before, and returns their names and programs.
    fn tests(&self, package: &str) -> Result<Vec<(String, PathBuf)>> {
        let built = self.folder().join(format!("{package}.json"));
        if let Ok(list) = fs::read_to_string(&built) {
            return Ok(serde_json::from_str(&list)?);
        }
        let mut step = self.cargo("test").args(["--no-run", "--message-format=json", "--package", package]);
        step =
            step.args(if package == "std" { &["--lib", "--tests", "--features", FEATURES][..] } else { &["--tests"] });
        let mut programs = Vec::new();
        for line in step.output()?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let (name, program) = (&message["target"]["name"], &message["executable"]);
            if let (Some(name), Some(program)) = (name.as_str(), program.as_str()) {
                // A library and the program of its `tests/` may have one name; benchmarks are no tests.
                let is_library = message["target"]["kind"][0] == "lib";
                let name = if is_library { format!("{name} (units)") } else { name.to_owned() };
                if !name.ends_with("benches") {
                    programs.push((name, PathBuf::from(program)));
                }
            }
        }
        programs.sort();
        fs::write(built, serde_json::to_string(&programs)?)?;
        Ok(programs)
    }
}

/// What a run of the harness gets. Few tests take more than a hundredth of it, and those that spin never end.
const MOST_INSTRUCTIONS: u64 = 800_000_000;

/// What `std` is built with in releases.
const FEATURES: &str = "panic-unwind,backtrace";

fn prepare(packages: &[&str]) -> Result<Prepared> {
    let build = Build::new()?;
    let mut prepared = Prepared::default();
    for package in packages {
        for (name, program) in build.tests(package)? {
            if PROCESS_PROGRAMS.contains(&name.as_str()) {
                prepared.left_out.push((name, "start another process"));
                continue;
            }
            let mut wanted = Vec::new();
            for test in list(&program)? {
                match OTHER_SUBJECTS.iter().find(|(start, _)| *package == "std" && test.starts_with(start)) {
                    Some((_, reason)) => prepared.left_out.push((test, reason)),
                    None => wanted.push(test),
                }
            }
            let mut case = Case::new(name, program, Reading::Libtest(wanted));
            case.most_instructions = MOST_INSTRUCTIONS;
            // The harness prints JSON for those only who say that they know it to be unstable.
            case.environment.push("RUSTC_BOOTSTRAP=1".to_owned());
            prepared.cases.push(case);
        }
    }
    Ok(prepared)
}

/// The names of the tests in a harness; none if it has a `main` of its own.
fn list(program: &Path) -> Result<Vec<String>> {
    let step = Step::new("qemu-riscv64").args(["-R", "0x40000000"]).arg(program);
    let output = step.args(["--list", "--format=terse"]).output()?;
    Ok(output.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}
