//! Installs what building and testing zeroos needs, and only what is missing.

use std::path::PathBuf;

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
    library_source()?;
    debian::install_missing(&TEST_TOOLS)
}

/// The source of Rust's core library, from which it is built for machines without atomic or compressed instructions.
fn library_source() -> Result<()> {
    if sysroot()?.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file() {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        bail!("the toolchain's component rust-src is missing, and there is no rustup (https://rustup.rs) to add it");
    }
    Step::new("rustup").args(["component", "add", "rust-src"]).run().context("cannot add the core library's source")
}

fn sysroot() -> Result<PathBuf> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    Ok(PathBuf::from(Step::new(rustc).args(["--print", "sysroot"]).output()?.trim()))
}

/// The Rust target for generated kernels: all that `zeroos` itself needs.
pub fn kernel_target() -> Result<()> {
    if sysroot()?.join("lib/rustlib").join(KERNEL_TARGET).join("lib").is_dir() {
        return Ok(());
    }
    if find_program("rustup").is_none() {
        bail!("the Rust target {KERNEL_TARGET} is missing, and there is no rustup (https://rustup.rs) to add it");
    }
    Step::new("rustup").args(["target", "add", KERNEL_TARGET]).run().context("cannot add the kernel's Rust target")
}
