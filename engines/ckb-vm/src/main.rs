//! `zeroos-engine-ckb-vm`: runs images on CKB-VM, the machine of the Nervos CKB chain, as its crate implements it.

mod host;
mod machine;

use clap::Parser;
use std::process::ExitCode;
use zeroos_engine_driver::RunArguments;

/// Runs zeroos images on the real CKB-VM (crate ckb-vm 0.24.15)
#[derive(Parser)]
#[command(version = machine::VERSION)]
enum Command {
    /// Runs an image; the exit status is the program's
    Run(RunArguments),
}

fn main() -> ExitCode {
    let Command::Run(arguments) = Command::parse();
    zeroos_engine_driver::run(&machine::CkbVm, &arguments)
}
