//! `zeroos-engine-sp1`: runs images on SP1's real portable executor, makes real core proofs of such runs, and verifies them.

mod alu;
mod load;
mod machine;
mod memory;
mod prove;
mod scout;
mod verify;

use clap::{Args, Parser};
use std::path::PathBuf;
use std::process::ExitCode;
use zeroos_engine_driver::RunArguments;

/// Runs zeroos images on the real SP1 (crates sp1-core-executor, sp1-core-machine and sp1-hypercube 6.10.0), proves and verifies
#[derive(Parser)]
#[command(version = machine::VERSION)]
enum Command {
    /// Runs an image; the exit status is the program's
    Run(RunArguments),
    /// Runs an image and makes a core proof of the run
    Prove(ProveArguments),
    /// Verifies a proof: that this image, on some private input, ended with this exit code and this public output
    Verify(VerifyArguments),
}

/// Arguments of `prove`.
#[derive(Args)]
struct ProveArguments {
    /// The image: an ELF file that `zeroos build --platform sp1` wrote
    image: PathBuf,
    /// The private input, a file; without it the input is empty
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where to write the proof
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Where to write the public output
    #[arg(long, value_name = "FILE")]
    public_output: PathBuf,
}

/// Arguments of `verify`.
#[derive(Args)]
struct VerifyArguments {
    /// The image that was run
    image: PathBuf,
    /// The proof, a file that `prove` wrote
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// The public output that the proof has to be for
    #[arg(long, value_name = "FILE")]
    public_output: PathBuf,
    /// The exit code that the proof has to be for
    #[arg(long, value_name = "N", default_value_t = 0)]
    exit_code: u32,
}

fn main() -> ExitCode {
    let result = match Command::parse() {
        Command::Run(arguments) => return zeroos_engine_driver::run(&machine::Sp1, &arguments),
        Command::Prove(arguments) => prove::prove(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
    };
    result.unwrap_or_else(|refusal| zeroos_engine_driver::refuse::<machine::Sp1>(&refusal))
}
