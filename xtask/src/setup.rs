//! Installs what building and testing zeroos needs, and only what is missing.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::debian::{self, Tool};
use crate::step::{Step, find_program};

/// The target the generated kernels are compiled for.
const KERNEL_TARGET: &str = "riscv64imac-unknown-none-elf";

/// The emulators that tests compare with, and the GNU tools that assemble test inputs and disassemble as a reference.
const TEST_TOOLS: [Tool; 4] = [
    Tool { program: "qemu-riscv64", package: "qemu-user" },
    Tool { program: "qemu-system-riscv64", package: "qemu-system-misc" },
    Tool { program: "riscv64-linux-gnu-objdump", package: "binutils-riscv64-linux-gnu" },
    Tool { program: "riscv64-linux-gnu-gcc", package: "gcc-riscv64-linux-gnu" },
];

/// Everything the tests need.
pub fn setup() -> Result<()> {
    kernel_target()?;
    debian::install_missing(&TEST_TOOLS)
}

/// The Rust target for generated kernels: all that `zeroos` itself needs.
pub fn kernel_target() -> Result<()> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let sysroot = Step::new(rustc).args(["--print", "sysroot"]).output()?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(KERNEL_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        bail!("the Rust target {KERNEL_TARGET} is missing, and there is no rustup (https://rustup.rs) to add it");
    }
    Step::new("rustup").args(["target", "add", KERNEL_TARGET]).run().context("cannot add the kernel's Rust target")
}
