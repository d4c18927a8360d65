//! The command line of `run`, the same for every engine.

use clap::Args;
use std::path::PathBuf;

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArguments {
    /// The image: an ELF file that `zeroos build` wrote for this machine
    pub image: PathBuf,
    /// The private input, a file; without it the input is empty
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// Where to write the public output; removed if the program does not reach its exit
    #[arg(long, value_name = "FILE")]
    pub public_output: Option<PathBuf>,
    /// Where to write statistics, as JSON
    #[arg(long, value_name = "FILE")]
    pub stats: Option<PathBuf>,
    /// Ends the run with status 124 once it has taken so many of the machine's cycles
    #[arg(long, value_name = "N")]
    pub max_cycles: Option<u64>,
}
