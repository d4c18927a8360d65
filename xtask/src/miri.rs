//! Miri over the host tests of the kernel fragments: whether what their unsafe code does, and whom it serves, is defined behaviour.

use anyhow::Result;

use crate::step::Step;

/// The one toolchain that has Miri.
const TOOLCHAIN: &str = "nightly";
/// Addresses of the program are numbers until they are used, and tables that tests leak for boot data are no leaks of the kernel.
const FLAGS: &str = "-Zmiri-permissive-provenance -Zmiri-ignore-leaks";

/// Installs Miri unless it is there, and runs those tests whose names hold one of `filters`, or all. Property tests make few random
/// steps there (`testing::rounds`, `testing::steps`), so that all of them end.
pub fn miri(filters: &[&str]) -> Result<()> {
    let cargo = || Step::new("rustup").args(["run", TOOLCHAIN, "cargo", "miri"]);
    if cargo().arg("--version").run().is_err() {
        let install = ["toolchain", "install", TOOLCHAIN, "--profile", "minimal", "--component", "miri,rust-src"];
        Step::new("rustup").args(install).run()?;
    }
    let test = ["test", "-p", "kernel-fragments", "--lib", "--"];
    cargo().args(test).args(filters).env("MIRIFLAGS", FLAGS).run()
}
