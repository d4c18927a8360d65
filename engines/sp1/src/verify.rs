//! `verify`: is this a proof that this image, on some private input, ended with this exit code and this public output?

use crate::{VerifyArguments, load};
use std::process::ExitCode;
use zeroos_engine_driver::{Refusal, catching, read};
use zeroos_engine_sp1_proofs as sp1_proofs;

/// Carries out `verify`; succeeds if the proof is valid and for just this, and has status 1 if it is not.
///
/// # Errors
/// If the files cannot be read, or SP1 does not take the image.
pub fn verify(arguments: &VerifyArguments) -> Result<ExitCode, Refusal> {
    let program = load::program(&read(&arguments.image, "image")?)?;
    let bytes = read(&arguments.proof, "proof")?;
    let public_output = read(&arguments.public_output, "public output")?;

    let verdict = match catching(|| sp1_proofs::from_bytes(&bytes)) {
        Ok(Some(proof)) => {
            // Made-up proofs may be of shapes that SP1's verifier did not think of.
            catching(|| sp1_proofs::verify(program, &proof, &public_output, arguments.exit_code))
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
