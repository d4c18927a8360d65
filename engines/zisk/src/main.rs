//! `zeroos-engine-zisk`: runs images on ZisK. The ELF loader, the transpiler, the operations and the memory are ZisK's own, from
//! its crates; the loop that drives them (`machine`) is ours, because ZisK's emulator is not published as a crate.

mod load;
mod machine;
mod stdout;

use clap::Parser;
use std::process::ExitCode;
use zeroos_engine_driver::RunArguments;

/// Runs zeroos images on ZisK (crates zisk-riscv and zisk-core 1.4.0-alpha, driven by a loop of zeroos's own)
#[derive(Parser)]
#[command(version = machine::VERSION)]
enum Command {
    /// Runs an image; the exit status is the program's
    Run(RunArguments),
}

fn main() -> ExitCode {
    let Command::Run(arguments) = Command::parse();
    zeroos_engine_driver::run(&machine::Zisk, &arguments)
}
