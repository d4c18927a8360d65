//! The `zeroos` command: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    zeroos::cli::main()
}
