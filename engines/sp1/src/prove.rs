//! `prove`: runs an image, makes a core proof of the run, and says what it took.

use crate::{ProveArguments, load, machine};
use std::fs;
use std::process::ExitCode;
use std::time::Instant;
use zeroos_engine_driver::{Console, Ending, Refusal, catching, read, write};
use zeroos_engine_sp1_proofs as sp1_proofs;

/// Carries out `prove`; succeeds if there is a proof, whatever the program's exit code.
///
/// # Errors
/// If the program does not end by itself, or there is no proof.
pub fn prove(arguments: &ProveArguments) -> Result<ExitCode, Refusal> {
    let program = load::program(&read(&arguments.image, "image")?)?;
    let input = match &arguments.input {
        Some(path) => read(path, "private input")?,
        None => Vec::new(),
    };
    // The program's console is for `run`.
    let finished = machine::execute(&program, &input, None, &Console::discarding())?;
    let exit_code = match finished.ending {
        Ending::Exit(code) => code,
        ending => {
            let why = ending.message().unwrap_or_default();
            return Err(Refusal::new(format!("there is nothing to prove: {why}")));
        }
    };

    let start = Instant::now();
    let (proof, cycles) = catching(|| sp1_proofs::prove(program, &input))
        .flatten()
        .map_err(|error| Refusal::new(format!("SP1's prover failed: {error}")))?;
    let seconds = start.elapsed().as_secs_f64();

    let bytes = sp1_proofs::to_bytes(&proof)
        .map_err(|error| Refusal::new(format!("the proof cannot be serialised: {error}")))?;
    write(&arguments.proof, &bytes, "proof")?;
    write(&arguments.public_output, &finished.public_output, "public output")?;
    println!("exit code:     {exit_code}");
    println!("public output: {} bytes", finished.public_output.len());
    println!("cycles:        {cycles}");
    println!("shards:        {}", proof.shard_proofs.len());
    println!("time:          {seconds:.1} s");
    if let Some(kilobytes) = peak_memory() {
        println!("peak memory:   {kilobytes} kB");
    }
    println!("proof:         {} bytes", bytes.len());
    Ok(ExitCode::SUCCESS)
}

/// The most memory that this process had, as the kernel knows it (proc(5), `VmHWM`).
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
