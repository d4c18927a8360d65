//! The whole gate, for people and for CI alike: set up, test, a quick part of other people's tests, format check, lints.

use anyhow::Result;

use crate::step::cargo;
use crate::{corpus, setup, suites};

/// Sets up what the tests need and runs everything a change has to pass.
pub fn test() -> Result<()> {
    setup::setup()?;
    if let Err(error) = corpus::fetch() {
        // The tests that want it say so, too; everything else can still be proved.
        eprintln!("NOTICE: {error:#}\nNOTICE: tests on fetched programs will check nothing");
    }
    cargo().args(["test", "--workspace"]).run()?;
    match suites::source_of_fast() {
        Ok(()) => suites::fast()?,
        Err(error) => eprintln!("NOTICE: {error:#}\nNOTICE: no other people's tests were run"),
    }
    cargo().args(["fmt", "--all", "--check"]).run()?;
    cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()
}
