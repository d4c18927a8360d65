//! `verify`: is this a proof that this image, on some private input, ended with this exit code and this public output?

use crate::prover::{Proof, Prover, VerifyingKey, from_bytes, keys, prover, wait};
use crate::statement::{claim, values};
use crate::{VerifyArguments, load};
use sha2::{Digest, Sha256};
use std::process::ExitCode;
use zeroos_engine_driver::{Refusal, catching, read};

/// Carries out `verify`; succeeds if the proof is valid and for just this, and has status 1 if it is not.
///
/// # Errors
/// If the files cannot be read, or SP1 does not take the image.
pub fn verify(arguments: &VerifyArguments) -> Result<ExitCode, Refusal> {
    let program = load::program(&read(&arguments.image, "image")?)?;
    let bytes = read(&arguments.proof, "proof")?;
    let public_output = read(&arguments.public_output, "public output")?;

    let verdict = match catching(|| from_bytes(&bytes)) {
        Ok(Some(proof)) => {
            let prover = prover();
            let (_, key) = wait(keys(&prover, program))?;
            // Made-up proofs may be of shapes that SP1's verifier did not think of.
            catching(|| examine(&prover, &key, &proof, &public_output, arguments.exit_code))
                .unwrap_or_else(|panic| Err(format!("SP1's verifier fails on it: {panic}")))
        }
        _ => Err(format!("`{}` is no proof that this version of `prove` wrote", arguments.proof.display())),
    };
    Ok(match verdict {
        Ok(()) => {
            println!("verified: exit code {}, public output of {} bytes", arguments.exit_code, public_output.len());
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("zeroos-engine-sp1: rejected: {reason}");
            ExitCode::from(1)
        }
    })
}

/// Checks a proof.
///
/// # Errors
/// What is wrong with it.
pub fn examine(
    prover: &Prover,
    key: &VerifyingKey,
    proof: &Proof,
    public_output: &[u8],
    exit_code: u32,
) -> Result<(), String> {
    let claim = claim(&values(proof)?, key)?;
    if claim.exit_code != exit_code {
        return Err(format!(
            "it is for exit code {}, not for {exit_code} (--exit-code says which one is expected)",
            claim.exit_code
        ));
    }
    if claim.digest != *Sha256::digest(public_output) {
        return Err("it is for another public output".to_string());
    }
    prover.verify(key, proof).map_err(|error| format!("it is not a valid proof for this image: {error}"))
}
