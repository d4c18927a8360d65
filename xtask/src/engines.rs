//! `engines`: builds the real machines (`engines/`) and runs the whole platform suite on them: the contract of each platform,
//! and the examples. `prove`: SP1's proof of a Rust program, made, verified, and rejected where it has to be.

use std::ffi::OsString;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::demo::zeroos;
use crate::step::{Step, cargo, find_program};
use crate::{bench_platforms, debian, setup};

/// What ZisK's crates need to be compiled: a C and C++ compiler, an assembler, GMP, and libclang for bindings.
const PACKAGES: [&str; 4] = ["build-essential", "nasm", "libgmp-dev", "libclang-dev"];
/// The packages of the engines' workspace that have a binary each, of the same name.
const ENGINES: [&str; 3] = ["zeroos-engine-ckb-vm", "zeroos-engine-zisk", "zeroos-engine-sp1"];
/// Platforms, and the engine that is the real machine.
const REAL: [(&str, &str); 4] = [("qemu-virt", "qemu"), ("ckb-vm", "runner"), ("zisk", "runner"), ("sp1", "runner")];

const PROGRAM: &str = "examples/words-rust/bin/ima-pie";
const INPUT: &str = "examples/words-rust/input/text.txt";
const PUBLIC_OUTPUT: &str = "examples/words-rust/expected.stdout";
/// Where the proof and what belongs to it are written.
const FOLDER: &str = "target/prove";
/// With what `verify` ends if the proof is not for what was said.
const REJECTED: i32 = 1;

/// Builds the engines and runs the suite on them.
pub fn engines() -> Result<()> {
    setup::kernel_target()?;
    let path = build()?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;
    let spike = find_program("spike").map(|_| ("spike", "runner"));
    if spike.is_none() {
        println!("note: `spike` is not in PATH: its platform is checked on the built-in machine only");
    }
    for (platform, engine) in REAL.into_iter().chain(spike) {
        let check = ["platform", "check", platform, "--engine", engine];
        zeroos().args(check).env("PATH", &path).run()?;
    }
    bench_platforms::bench_platforms(&["--engines"])
}

/// Builds the engines, and what they need; `PATH` with their folder in front.
pub fn build() -> Result<OsString> {
    debian::install_missing_packages(&PACKAGES)?;
    let workspace = crate::root().join("engines");
    for engine in ENGINES {
        cargo().directory(&workspace).args(["build", "--release", "--package", engine]).run()?;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(workspace.join("target/release")).chain(std::env::split_paths(&path));
    Ok(std::env::join_paths(folders)?)
}

/// Makes a proof of a run of `words-rust` on SP1 and verifies it; an altered public output and another exit code must be
/// rejected.
pub fn prove() -> Result<()> {
    setup::kernel_target()?;
    let path = build()?;
    cargo().args(["build", "--release", "--package", "zeroos-cli"]).run()?;
    fs::create_dir_all(crate::root().join(FOLDER))?;
    let file = |name: &str| format!("{FOLDER}/{name}");
    let (image, proof, public) = (file("words.elf"), file("words.proof"), file("words.out"));
    let engine = |arguments: &[&str]| Step::new("zeroos-engine-sp1").args(arguments).env("PATH", &path);

    let options = ["--platform", "sp1", "--snapshot", "-o", &image];
    zeroos().args(["build", PROGRAM]).args(options).run()?;
    engine(&["prove", &image, "--input", INPUT, "--proof", &proof, "--public-output", &public]).run()?;
    let found = fs::read(crate::root().join(&public)).with_context(|| public.clone())?;
    let expected = fs::read(crate::root().join(PUBLIC_OUTPUT)).with_context(|| PUBLIC_OUTPUT.to_owned())?;
    if found != expected {
        bail!("{public} is not what the program publishes, which is {PUBLIC_OUTPUT}");
    }
    engine(&["verify", &image, "--proof", &proof, "--public-output", &public]).run()?;

    let altered = file("altered.out");
    let mut text = expected;
    *text.first_mut().context("the program publishes nothing")? ^= 1;
    fs::write(crate::root().join(&altered), text)?;
    for attempt in [&["--public-output", &altered][..], &["--public-output", &public, "--exit-code", "1"]] {
        let verify = engine(&["verify", &image, "--proof", &proof]).args(attempt);
        match verify.status()? {
            Some(REJECTED) => {}
            status => bail!("the proof was to be rejected, with status {REJECTED}; found {status:?}"),
        }
    }
    println!("The proof was made and verified, and rejected with another public output and with another exit code.");
    Ok(())
}
