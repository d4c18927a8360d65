//! SP1's core prover and verifier as this engine uses them: [`prove`] and [`verify`]. A crate of its own, because instantiating
//! SP1's generic prover takes minutes: what calls it should not be compiled with it.

mod prover;
mod statement;

pub use prover::{Proof, VerifyingKey, from_bytes, to_bytes};
pub use statement::{Claim, Values, claim, one_run, values};

use sha2::{Digest, Sha256};
use sp1_core_executor::Program;
use std::sync::Arc;

/// Runs a program on this private input and proves the run; returns the proof and the number of cycles.
///
/// # Errors
/// What SP1 says if it fails. It may also panic.
pub fn prove(program: Arc<Program>, input: &[u8]) -> Result<(Proof, u64), String> {
    prover::prove(program, input)
}

/// What a verifier has to know of a program.
///
/// # Errors
/// If no threads can be had.
pub fn verifying_key(program: Arc<Program>) -> Result<VerifyingKey, String> {
    prover::verifying_key(program)
}

/// Checks that a proof is valid, and that it is for this program, this public output and this exit code. May panic on proofs that
/// somebody made up.
///
/// # Errors
/// What is wrong with it.
pub fn verify(program: Arc<Program>, proof: &Proof, public_output: &[u8], exit_code: u32) -> Result<(), String> {
    let shards = values(proof)?;
    // What is soonest known comes first; it means something only together with the rest.
    let claim = claim(&shards)?;
    if claim.exit_code != exit_code {
        return Err(format!(
            "it is for exit code {}, not for {exit_code} (--exit-code says which one is expected)",
            claim.exit_code
        ));
    }
    if claim.digest != *Sha256::digest(public_output) {
        return Err("it is for another public output".to_string());
    }
    let key = verifying_key(program)?;
    one_run(&shards, &key)?;
    prover::verify_shards(&key, proof).map_err(|error| format!("it is not a valid proof for this image: {error}"))
}
