//! `zeroos doctor`: is everything here that builds and runs need? Each missing thing comes with what installs it.

use std::process::{Command, ExitCode, Stdio};

use super::{CommandResult, FAILURE, say};
use crate::compile::Toolchain;
use crate::source::{SMALLEST_TARGET, TARGET};

#[derive(clap::Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: &Arguments) -> CommandResult {
    let mut complete = true;
    let mut text = String::new();
    let mut report = |found: bool, needed: bool, what: &str, otherwise: &str| {
        let mark = match (found, needed) {
            (true, _) => "ok      ",
            (false, true) => "MISSING ",
            (false, false) => "absent  ",
        };
        let advice = if found { String::new() } else { format!(": {otherwise}") };
        text += &format!("{mark} {what}{advice}\n");
        complete &= found || !needed;
    };
    match Toolchain::find() {
        Ok(toolchain) => {
            report(true, true, toolchain.short_version(), "");
            let add = format!("rustup target add {TARGET}");
            report(toolchain.has_target(TARGET), true, &format!("core library for {TARGET}"), &add);
            let smallest = toolchain.has_target(SMALLEST_TARGET) || toolchain.library_source().is_some();
            let what = format!("core library for {SMALLEST_TARGET}, or its source (machines without A or C)");
            report(smallest, false, &what, "rustup component add rust-src");
            report(toolchain.lld().is_ok(), true, "rust-lld", "install Rust by rustup (https://rustup.rs)");
        }
        Err(error) => report(false, true, "rustc", &format!("{error}; install Rust by rustup (https://rustup.rs)")),
    }
    report(true, true, "built-in machine (engine `builtin`)", "");
    let qemu = answers("qemu-system-riscv64");
    report(qemu, false, "qemu-system-riscv64 (engine `qemu`)", "apt-get install qemu-system-misc");
    report(answers("spike"), false, "spike", "https://github.com/riscv-software-src/riscv-isa-sim");
    say::data(&text)?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

/// Whether `program` can be started.
fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok()
}
