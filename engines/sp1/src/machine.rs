//! A run: first the scout's, then SP1's own portable executor's, whose result counts. The two have to agree.

use crate::load;
use crate::scout::{End, Scout};
use sha2::{Digest, Sha256};
use sp1_core_executor::{OutputConsumers, Program};
use sp1_core_executor_runner::MinimalExecutorRunner;
use std::sync::Arc;
use tokio::sync::watch;
use zeroos_engine_driver::{Console, Ending, Engine, Finished, Refusal, Run, catching};

/// The version of the crates, as `Cargo.toml` pins them.
pub const VERSION: &str = "6.10.0";

/// SP1.
pub struct Sp1;

impl Engine for Sp1 {
    const NAME: &'static str = "zeroos-engine-sp1";
    const VERSION: &'static str = VERSION;

    fn run(&self, run: &Run, console: &Console) -> Result<Finished, Refusal> {
        execute(&load::program(&run.image)?, &run.input, run.max_cycles, console)
    }
}

/// Runs a program to its end.
///
/// # Errors
/// If scout and executor do not agree.
pub fn execute(
    program: &Arc<Program>,
    input: &[u8],
    max_cycles: Option<u64>,
    console: &Console,
) -> Result<Finished, Refusal> {
    let max_cycles = max_cycles.unwrap_or(u64::MAX);
    let mut scout = Scout::new(program, input, console);
    let end = scout.run(max_cycles);
    let at = format!(", at pc {:#x}", scout.pc());
    let ending = match end {
        End::Halt(code) => return confirm(program, input, code, scout),
        // The executor could not be stopped there.
        End::Limit => Ending::CycleLimit(max_cycles),
        End::Unprovable(reason) => Ending::Stopped(reason + &at),
        End::Fault(reason) => match executed(program, input) {
            Err(_) => Ending::Stopped(reason + &at),
            Ok(_) => return Err(disagreement(&format!("the executor carries out what should be {reason}{at}"))),
        },
    };
    Ok(Finished { ending, cycles: scout.cycles, public_output: scout.public_output })
}

/// The executor's run of a program that halts, held against the scout's.
fn confirm(program: &Arc<Program>, input: &[u8], code: u32, scout: Scout) -> Result<Finished, Refusal> {
    let executor = executed(program, input).map_err(|error| disagreement(&format!("the executor fails: {error}")))?;
    for (what, equal) in [
        ("exit code", executor.exit_code() == code),
        ("cycles", executor.global_clk() == scout.cycles),
        ("registers", executor.registers() == scout.registers),
        ("public output", *executor.public_values_stream() == scout.public_output),
    ] {
        if !equal {
            return Err(disagreement(&format!("their {what} differ")));
        }
    }
    let ending = match executor.exit_code() {
        0 => success(executor.public_values_stream(), executor.public_value_digest(), scout.commits_deferred),
        // A failure whose low 8 bits are 0 may not look like a success.
        code => Ending::Exit((code as u8).max(1)),
    };
    Ok(Finished { ending, cycles: executor.global_clk(), public_output: executor.into_public_values_stream() })
}

/// SP1's executor at the end of the program.
fn executed(program: &Arc<Program>, input: &[u8]) -> Result<MinimalExecutorRunner, String> {
    let mut executor = MinimalExecutorRunner::simple(program.clone());
    // The scout wrote the console text; here it goes nowhere, as long as somebody would take it.
    let (stdout, _reader) = watch::channel(String::new());
    let (stderr, _other_reader) = watch::channel(String::new());
    executor.set_output_consumers(OutputConsumers { stdout: Some(stdout), stderr: Some(stderr) });
    executor.with_input(input);
    catching(|| executor.try_execute_chunk().map(|_| ()).map_err(|error| error.to_string())).flatten()?;
    Ok(executor)
}

/// A run that ended with 0 is one only if a verifier will find it to be one.
fn success(public_output: &[u8], committed: [u32; 8], commits_deferred: bool) -> Ending {
    let digest = Sha256::digest(public_output);
    if committed.map(u32::to_le_bytes).as_flattened() != &digest[..] {
        let length = public_output.len();
        return Ending::Stopped(format!(
            "it ended with status 0, but what it COMMITted is not the SHA-256 of its public output ({length} bytes): no proof of \
             this run would verify"
        ));
    }
    if !commits_deferred {
        return Ending::Stopped(
            "it ended with status 0 without COMMIT_DEFERRED: no proof of this run would verify".to_string(),
        );
    }
    Ending::Exit(0)
}

fn disagreement(how: &str) -> Refusal {
    Refusal::new(format!(
        "SP1's executor and this engine's scout disagree: {how}. One of them is wrong; please report the image and its input"
    ))
}
